"""Triton's own HTTP client against a server at sys.argv[1]; fails where an answer differs."""

import sys
from urllib.parse import urlsplit

import numpy as np
import triton_checks
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def tensor(name, array, datatype, *, binary=True):
    given = triton.InferInput(name, list(array.shape), datatype)
    given.set_data_from_numpy(array, binary_data=binary)
    return given


def simple_inputs(*, binary=True):
    first = np.arange(32, dtype=np.int32).reshape(2, 16)
    arrays = {"INPUT0": first, "INPUT1": np.ones_like(first)}
    return arrays, [tensor(name, a, "INT32", binary=binary) for name, a in arrays.items()]


def expect_error(call, words, status):
    caught = None
    try:
        call()
    except InferenceServerException as error:
        caught = error
    assert caught is not None, f"expected an error with: {words}"
    assert words in caught.message(), caught.message()
    assert caught.status() == status, caught.status()


def check_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("simple")
    assert client.is_model_ready("half_plus_two", "122")
    assert not client.is_model_ready("none")
    assert client.get_server_metadata()["name"] == "aios"
    metadata = client.get_model_metadata("simple")
    assert metadata["inputs"][0] == {"name": "INPUT0", "datatype": "INT32", "shape": [-1, 16]}
    index = {(each["name"], each["version"]): each for each in client.get_model_repository_index()}
    assert index["half_plus_two", "123"]["state"] == "READY"


def check_infer(client):
    for binary in (True, False):
        arrays, inputs = simple_inputs(binary=binary)
        expected = arrays["INPUT0"] + arrays["INPUT1"]
        result = client.infer("simple", inputs, request_id="7")
        np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), expected)
        np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), expected - 2)
        assert result.get_response()["id"] == "7"
        wanted = [triton.InferRequestedOutput("OUTPUT1", binary_data=binary)]
        result = client.infer("simple", inputs, outputs=wanted, model_version="1")
        np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), expected - 2)
        assert result.as_numpy("OUTPUT0") is None


def check_asynchronous(client):
    arrays, inputs = simple_inputs()
    expected = arrays["INPUT0"] + arrays["INPUT1"]
    for request in [client.async_infer("simple", inputs) for _ in range(200)]:
        np.testing.assert_array_equal(request.get_result().as_numpy("OUTPUT0"), expected)


def check_kinds(client):
    triton_checks.check_kinds(client, tensor)


def check_large(client):
    triton_checks.check_large(client, tensor)


def check_errors(client):
    _, inputs = simple_inputs()
    expect_error(
        lambda: client.infer("none", inputs),
        "Request for unknown model: 'none' is not found", "404",
    )  # fmt: skip
    expect_error(lambda: client.infer("simple", inputs, "9"), "version 9 is not found", "404")
    expect_error(lambda: client.infer("simple", inputs[:1]), "'INPUT1' is missing", "400")
    wrong = [inputs[0], tensor("INPUT1", np.ones((2, 16), np.float32), "FP32")]
    expect_error(lambda: client.infer("simple", wrong), "data-type is 'FP32'", "400")
    short = [inputs[0], tensor("INPUT1", np.ones((2, 15), np.int32), "INT32")]
    expect_error(lambda: client.infer("simple", short), "Expected [-1,16], got [2,15]", "400")
    expect_error(
        lambda: client.load_model("none"),
        "failed to load 'none', failed to poll from model repository", "500",
    )  # fmt: skip


def check_configuration_and_statistics(client):
    config = client.get_model_config("simple")
    assert config["max_batch_size"] > 0
    assert config["input"][0] == {"name": "INPUT0", "data_type": "TYPE_INT32", "dims": [16]}
    before = client.get_inference_statistics("simple", "1")["model_stats"][0]
    client.infer("simple", simple_inputs()[1])
    after = client.get_inference_statistics("simple")["model_stats"][0]
    assert after["inference_count"] == before["inference_count"] + 2
    success = [each["inference_stats"]["success"]["count"] for each in (before, after)]
    assert success[1] == success[0] + 1
    assert len(client.get_inference_statistics()["model_stats"]) >= 5


def check_repository_control(client):
    client.unload_model("half_plus_two")
    assert not client.is_model_ready("half_plus_two")
    client.load_model("half_plus_two")
    assert client.is_model_ready("half_plus_two")


def check_compression(client):
    x = np.arange(10_000, dtype=np.float32)
    for encoding in ("gzip", "deflate"):
        result = client.infer(
            "half_plus_two", [tensor("x", x, "FP32")],
            request_compression_algorithm=encoding, response_compression_algorithm=encoding,
        )  # fmt: skip
        np.testing.assert_array_equal(result.as_numpy("y"), x / 2 + 2)


def main():
    url = urlsplit(sys.argv[1]).netloc
    with triton.InferenceServerClient(url, concurrency=8) as client:
        for check in (
            check_health_and_metadata,
            check_infer,
            check_asynchronous,
            check_kinds,
            check_large,
            check_errors,
            check_configuration_and_statistics,
            check_compression,
            check_repository_control,
        ):
            check(client)
            print(f"  {check.__name__}")


if __name__ == "__main__":
    main()
