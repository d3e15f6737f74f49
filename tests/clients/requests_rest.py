"""What TensorFlow Serving's tutorials do with requests, against a server at sys.argv[1]."""

import json
import sys

import requests


def main():
    url = f"{sys.argv[1]}/v1/models/half_plus_two"
    session = requests.Session()
    data = json.dumps({"signature_name": "serving_default", "instances": [1.0, 2.0, 5.0]})
    answer = session.post(
        f"{url}:predict", data=data, headers={"content-type": "application/json"}, timeout=60
    )
    assert json.loads(answer.text)["predictions"] == [2.5, 3.0, 4.5], answer.text
    answer = session.post(f"{url}/versions/122:predict", json={"inputs": [1.0]}, timeout=60)
    assert answer.json() == {"outputs": [2.5]}, answer.text
    chunks = (part for part in (b'{"instances"', b": [1.0]}"))
    answer = session.post(f"{url}:predict", data=chunks, timeout=60)
    assert answer.json() == {"predictions": [2.5]}, answer.text
    long = session.post(f"{url}:predict", json={"instances": [1.0] * 1000}, timeout=60)
    assert long.headers["Content-Encoding"] == "gzip"
    assert long.json() == {"predictions": [2.5] * 1000}, long.text
    examples = {"examples": [{"x": 1.0}, {"x": 2.0}], "signature_name": "serving_default"}
    answer = session.post(f"{url}:regress", json=examples, timeout=60)
    assert answer.json() == {"results": [2.5, 3.0]}, answer.text
    answer = session.post(f"{url}:classify", json={"examples": []}, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["error"] == "'examples' value is an empty array"
    assert session.get(url, timeout=60).json()["model_version_status"][0]["state"] == "AVAILABLE"
    answer = session.post(f"{url}:predict", data="{", timeout=60)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("JSON Parse error: ")


if __name__ == "__main__":
    main()
