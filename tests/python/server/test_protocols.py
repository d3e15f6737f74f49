"""What TensorFlow Serving's and Triton's clients send and get, byte by byte, over the network."""

import gzip
import json
import zlib

import numpy as np
import pytest
from served_models import KINDS

import aios

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def server(served_folder):
    """One server for all tests that don't change it."""
    with aios.Server(served_folder, http_port=0, poll_s=0) as opened:
        yield opened


@pytest.fixture
def client(server, connect):
    return connect(server)


DATATYPES = {
    "b": "BOOL", "f16": "FP16", "f64": "FP64", "i8": "INT8", "i64": "INT64", "u8": "UINT8",
    "u64": "UINT64", "s_bytes": "BYTES", "text": "BYTES",
}  # fmt: skip


def _binary(array):
    if array.dtype != object:
        return array.tobytes()
    return b"".join(len(each).to_bytes(4, "little") + each for each in array.ravel())


def _input(name, array, **fields):
    return {"name": name, "shape": list(array.shape), "datatype": DATATYPES[name], **fields}


def _binary_input(name, array):
    return _input(name, array, parameters={"binary_data_size": len(_binary(array))})


def _json_values(array):
    if array.dtype != object:
        return array.tolist()
    return [[each.decode() for each in row] for row in array]


# TensorFlow Serving


def test_the_golden_example_of_tensorflow_serving(client):
    answer = client.post("/v1/models/half_plus_two:predict", {"instances": [1.0, 2.0, 5.0]})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body == b'{\n    "predictions": [2.5, 3.0, 4.5\n    ]\n}'


def test_columns_are_answered_by_columns(client):
    answer = client.post("/v1/models/half_plus_two:predict", {"inputs": {"x": [1.0, 2.0]}})
    assert answer.json == {"outputs": [2.5, 3.0]}


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("nope", 404, "Servable not found for request: Latest(nope)"),
        ("simple/versions/9", 404, "Servable not found for request: Specific(simple, 9)"),
        ("simple/labels/x", 400, "Unrecognized servable version label: x"),
        ("simple", 400, "Missing 'inputs' or 'instances' key"),
    ],
)
def test_a_call_that_nothing_answers(client, path, status, error):
    answer = client.post(f"/v1/models/{path}:predict", {})
    assert (answer.status, answer.json) == (status, {"error": error})


def test_a_version_is_called_by_its_number_and_the_newest_without(client):
    for which in ("/versions/122", "/versions/123", ""):
        path = f"/v1/models/half_plus_two{which}:predict"
        assert client.post(path, {"instances": [2.0]}).json == {"predictions": [3.0]}


def test_the_status_of_versions(client):
    fine = {"error_code": "OK", "error_message": ""}
    newest = {"version": "123", "state": "AVAILABLE", "status": fine}
    older = {**newest, "version": "122"}
    both = client.get("/v1/models/half_plus_two")
    assert both.json == {"model_version_status": [newest, older]}
    one = client.get("/v1/models/half_plus_two/versions/122")
    assert one.json == {"model_version_status": [older]}
    missing = client.get("/v1/models/half_plus_two/versions/9")
    assert missing.status == 404
    assert missing.json == {"error": "Could not find version 9 of model half_plus_two"}
    assert client.get("/v1/models/nope").json == {
        "error": "Could not find any versions of model nope"
    }


def test_the_metadata_of_a_signature(client):
    answer = client.get("/v1/models/half_plus_two/metadata").json
    assert answer["model_spec"] == {
        "name": "half_plus_two", "signature_name": "", "version": "123"
    }  # fmt: skip
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["x"] == {
        "dtype": "DT_FLOAT",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "x",
    }
    assert signature["method_name"] == "tensorflow/serving/predict"


def test_paths_that_are_none_of_its_own(client):
    malformed = client.post("/v1/models/half_plus_two:foo", {})
    assert malformed.status == 400
    assert malformed.json["error"].startswith(
        "Malformed request: POST /v1/models/half_plus_two:foo"
    )
    assert client.get("/v1/models/half_plus_two:predict").json == {
        "error": "Malformed request: GET /v1/models/half_plus_two:predict"
    }


def test_examples_are_regressed(client):
    examples = [{"x": 1.0}, {"x": [2.0], "unused": "text"}, {}]
    request = {"examples": examples, "context": {"x": 5.0}, "signature_name": "serving_default"}
    answer = client.post("/v1/models/half_plus_two/versions/122:regress", request)
    assert (answer.status, answer.json) == (200, {"results": [2.5, 3.0, 4.5]})
    missing = client.post("/v1/models/half_plus_two:regress", {"examples": [{}]})
    assert (missing.status, "x" in missing.json["error"]) == (400, True)


def test_examples_are_classified(client):
    row = np.linspace(-1, 1, 8, dtype=np.float32).tolist()
    answer = client.post("/v1/models/trial:classify", {"examples": [{"x": row}, {"x": row}]})
    scores = client.post("/v1/models/trial:predict", {"instances": [row]}).json["predictions"][0]
    assert answer.status == 200, answer.body
    assert answer.json["results"] == [[["", score] for score in scores]] * 2


def test_several_named_inputs_by_rows(client):
    rows = [{"INPUT0": [k] * 16, "INPUT1": [1] * 16} for k in range(3)]
    answer = client.post("/v1/models/simple:predict", {"instances": rows})
    assert answer.json["predictions"] == [
        {"OUTPUT0": [k + 1] * 16, "OUTPUT1": [k - 1] * 16} for k in range(3)
    ]


def test_json_carries_every_dtype_but_half_floats(client):
    sent = {name: array for name, array in KINDS.items() if name != "f16"}
    inputs = {name: _json_values(array) for name, array in sent.items() if name != "s_bytes"}
    inputs["s_bytes"] = [[{"b64": ""}, {"b64": "/wA="}], ["caf\u00e9", '"\\\n']]
    refused = client.post("/v1/models/kinds:predict", {"inputs": {**inputs, "f16": [[1, 2]]}})
    assert refused.status == 501
    assert "float16 isn't carried as JSON" in refused.json["error"]


def test_a_saved_model_is_served_as_it_is_and_said_to_be_unproven(server):
    assert {entry.key.name: entry.found.is_proven for entry in server.models()} == {
        "half_plus_two": False,
        "kinds": False,
        "simple": False,
        "trial": True,
    }


# KServe version 2


def test_the_golden_example_of_triton(client):
    first = np.arange(16, dtype=np.int32).reshape(1, 16)
    second = np.ones((1, 16), np.int32)
    inputs = [
        {
            "name": name,
            "shape": [1, 16],
            "datatype": "INT32",
            "parameters": {"binary_data_size": 64},
        }
        for name in ("INPUT0", "INPUT1")
    ]
    answer = client.infer(
        "/v2/models/simple/infer",
        {"inputs": inputs, "parameters": {"binary_data_output": True}},
        first.tobytes(),
        second.tobytes(),
    )
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    output = {"datatype": "INT32", "shape": [1, 16], "parameters": {"binary_data_size": 64}}
    assert answer.json == {
        "model_name": "simple",
        "model_version": "1",
        "outputs": [{"name": "OUTPUT0", **output}, {"name": "OUTPUT1", **output}],
    }
    expected = np.concatenate([first + second, first - second])
    np.testing.assert_array_equal(np.frombuffer(answer.binary, np.int32).reshape(2, 16), expected)


def test_every_dtype_travels_binary(client):
    document = {
        "inputs": [_binary_input(name, array) for name, array in KINDS.items()],
        "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in KINDS],
    }
    blobs = [_binary(array) for array in KINDS.values()]
    answer = client.infer("/v2/models/kinds/infer", document, *blobs)
    assert answer.status == 200, answer.body
    assert [output["name"] for output in answer.json["outputs"]] == list(KINDS)
    assert [output["datatype"] for output in answer.json["outputs"]] == list(DATATYPES.values())
    assert answer.binary == b"".join(blobs)


def test_every_dtype_but_half_floats_travels_as_json(client):
    half = KINDS["f16"]
    document = {
        "inputs": [
            _binary_input("f16", half),
            *(
                _input(name, array, data=_json_values(array))
                for name, array in KINDS.items()
                if name not in ("f16", "s_bytes")
            ),
            _binary_input("s_bytes", KINDS["s_bytes"]),
        ],
        "outputs": [{"name": name} for name in KINDS if name not in ("f16", "s_bytes")],
    }
    answer = client.infer(
        "/v2/models/kinds/infer", document, half.tobytes(), _binary(KINDS["s_bytes"])
    )
    assert answer.status == 200, answer.body
    assert "Inference-Header-Content-Length" not in answer.headers
    for output in answer.json["outputs"]:
        expected = np.ravel(_json_values(KINDS[output["name"]]))
        np.testing.assert_array_equal(output["data"], expected)
    refused = client.post(
        "/v2/models/kinds/infer", {"inputs": [_input("f16", half, data=half.tolist())]}
    )
    assert refused.status == 400
    assert "receiving FP16 data via JSON is not supported" in refused.json["error"]


def test_health_and_metadata_of_kserve(client):
    live = client.get("/v2/health/live")
    assert (live.status, live.body) == (200, b"")
    assert client.get("/v2/health/ready").status == 200
    assert client.get("/v2/models/simple/ready").status == 200
    assert client.get("/v2/models/simple/versions/9/ready").status == 400
    assert client.get("/v2").json == {
        "name": "aios",
        "version": aios.__version__,
        "extensions": [
            "binary_tensor_data",
            "model_configuration",
            "model_repository",
            "model_repository(unload_dependents)",
            "statistics",
            "system_shared_memory",
        ],
    }
    assert client.get("/v2/models/simple").json == {
        "name": "simple",
        "versions": ["1"],
        "platform": "aios_tensorflow",
        "inputs": [{"name": f"INPUT{k}", "datatype": "INT32", "shape": [-1, 16]} for k in range(2)],
        "outputs": [
            {"name": f"OUTPUT{k}", "datatype": "INT32", "shape": [-1, 16]} for k in range(2)
        ],
    }
    assert client.get("/v2/models/half_plus_two/versions/122").json["versions"] == ["122", "123"]


def test_the_repository_index_of_kserve(client):
    index = client.post("/v2/repository/index", {"ready": True}).json
    assert {(entry["name"], entry["version"], entry["state"]) for entry in index} == {
        ("half_plus_two", "122", "READY"),
        ("half_plus_two", "123", "READY"),
        ("kinds", "1", "READY"),
        ("simple", "1", "READY"),
        ("trial", "1", "READY"),
    }


def test_errors_of_kserve(client):
    unknown = client.get("/v2/models/nope")
    assert unknown.status == 404
    assert unknown.json == {"error": "Request for unknown model: 'nope' is not found"}
    assert client.get("/v3").json == {"error": "Not Found"}
    assert client.get("/v2/models/simple", method="DELETE").status == 405
    compressed = client.post("/v2/models/simple/infer", b"x", {"Content-Encoding": "br"})
    assert compressed.status == 415


def test_compressed_bodies_are_read_and_answered(client):
    rows = {"instances": [1.0] * 1000}
    plain = client.post("/v1/models/half_plus_two:predict", rows)
    headers = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip, deflate"}
    body = gzip.compress(json.dumps(rows).encode())
    answer = client.post("/v1/models/half_plus_two:predict", body, headers)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == plain.body
    index = client.post("/v2/repository/index", gzip.compress(b'{"ready": true}'), headers)
    assert {row["state"] for row in index.json} == {"READY"}


def test_binary_tensors_travel_compressed(client):
    x = np.arange(1000, dtype=np.float32)
    head = json.dumps(
        {
            "inputs": [
                {"name": "x", "shape": [1000], "datatype": "FP32",
                 "parameters": {"binary_data_size": 4000}}
            ],
            "parameters": {"binary_data_output": True},
        }
    ).encode()  # fmt: skip
    headers = {
        "Inference-Header-Content-Length": str(len(head)),
        "Content-Encoding": "deflate",
        "Accept-Encoding": "deflate",
    }
    body = zlib.compress(head + x.tobytes())
    answer = client.post("/v2/models/half_plus_two/infer", body, headers)
    assert (answer.status, answer.headers["Content-Encoding"]) == (200, "deflate")
    plain = zlib.decompress(answer.body)
    length = int(answer.headers["Inference-Header-Content-Length"])
    assert json.loads(plain[:length])["outputs"][0]["shape"] == [1000]
    np.testing.assert_array_equal(np.frombuffer(plain[length:], np.float32), x / 2 + 2)


def test_a_bomb_is_refused(client):
    bomb = gzip.compress(bytes(65 << 20), 1)
    headers = {"Content-Encoding": "gzip"}
    for path in ("/v1/models/half_plus_two:predict", "/v2/repository/index"):
        answer = client.post(path, bomb, headers)
        assert (answer.status, "when decompressed" in answer.json["error"]) == (413, True)


def test_the_answer_to_a_head_has_no_body(client):
    answer = client.get("/v2", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_numbers_that_are_not_finite_travel_as_tokens(client):
    body = b'{"instances": [NaN, Infinity, -Infinity]}'
    answer = client.post("/v1/models/half_plus_two:predict", body)
    np.testing.assert_array_equal(json.loads(answer.body)["predictions"], [np.nan, np.inf, -np.inf])


@pytest.mark.parametrize(
    ("path", "status"), [("/v2/models/m/versions/", 404), ("/v1/models/m/versions/", 400)]
)
def test_a_version_of_thousands_of_digits_is_none(client, path, status):
    answer = client.get(path + "1" * 5000)
    assert (answer.status, "error" in answer.json) == (status, True)


def test_an_index_is_not_asked_for_by_json_that_is_nested_too_deep(client):
    answer = client.post("/v2/repository/index", b"[" * 200_000)
    assert answer.status == 400
    assert "failed to parse the request JSON buffer" in answer.json["error"]
