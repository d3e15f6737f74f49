"""Triton's own gRPC client against the server at sys.argv[2]; fails where an answer differs."""

import queue
import sys

import numpy as np
import triton_checks
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

_DEADLINE_S = 60


def tensor(name, array, datatype):
    given = triton.InferInput(name, list(array.shape), datatype)
    given.set_data_from_numpy(array)
    return given


def simple_inputs():
    first = np.arange(32, dtype=np.int32).reshape(2, 16)
    arrays = {"INPUT0": first, "INPUT1": np.ones_like(first)}
    return arrays, [tensor(name, array, "INT32") for name, array in arrays.items()]


def expect_error(call, words, status):
    caught = None
    try:
        call()
    except InferenceServerException as error:
        caught = error
    assert caught is not None, f"expected an error with: {words}"
    assert words in caught.message(), caught.message()
    assert caught.status() == f"StatusCode.{status}", caught.status()


def check_health_and_metadata(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("simple")
    assert client.is_model_ready("half_plus_two", "122")
    assert not client.is_model_ready("none")
    assert client.get_server_metadata().name == "aios"
    metadata = client.get_model_metadata("simple", as_json=True)
    assert metadata["inputs"][0] == {"name": "INPUT0", "datatype": "INT32", "shape": ["-1", "16"]}
    assert client.get_model_config("simple").config.input[0].name == "INPUT0"
    statistics = client.get_inference_statistics("simple").model_stats
    assert statistics[0].name == "simple"
    index = {(each.name, each.version): each for each in client.get_model_repository_index().models}
    assert index["half_plus_two", "123"].state == "READY"


def check_infer(client):
    arrays, inputs = simple_inputs()
    expected = arrays["INPUT0"] + arrays["INPUT1"]
    result = client.infer("simple", inputs, request_id="7")
    np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), expected)
    np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), expected - 2)
    assert result.get_response().id == "7"
    wanted = [triton.InferRequestedOutput("OUTPUT1")]
    for compression in (None, "gzip", "deflate"):
        result = client.infer(
            "simple", inputs, outputs=wanted, model_version="1",
            compression_algorithm=compression,
        )  # fmt: skip
        np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), expected - 2)
        assert result.as_numpy("OUTPUT0") is None


def check_asynchronous(client):
    arrays, inputs = simple_inputs()
    answers = queue.Queue()
    for _ in range(200):
        client.async_infer("simple", inputs, lambda result, error: answers.put((result, error)))
    for _ in range(200):
        result, error = answers.get(timeout=_DEADLINE_S)
        assert error is None, error
        np.testing.assert_array_equal(
            result.as_numpy("OUTPUT0"), arrays["INPUT0"] + arrays["INPUT1"]
        )


def check_stream(client):
    arrays, inputs = simple_inputs()
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    for number in range(20):
        client.async_stream_infer("simple", inputs, request_id=str(number))
    client.async_stream_infer("none", inputs)
    for number in range(20):
        result, error = answers.get(timeout=_DEADLINE_S)
        assert error is None, error
        assert result.get_response().id == str(number)
        np.testing.assert_array_equal(
            result.as_numpy("OUTPUT0"), arrays["INPUT0"] + arrays["INPUT1"]
        )
    result, error = answers.get(timeout=_DEADLINE_S)
    assert result is None
    assert "'none' is not found" in error.message()
    client.stop_stream()


def check_kinds(client):
    triton_checks.check_kinds(client, tensor)


def check_large(client):
    triton_checks.check_large(client, tensor)


def check_errors(client):
    _, inputs = simple_inputs()
    expect_error(
        lambda: client.infer("none", inputs),
        "Request for unknown model: 'none' is not found", "NOT_FOUND",
    )  # fmt: skip
    expect_error(lambda: client.infer("simple", inputs, "9"), "version 9 is not found", "NOT_FOUND")
    expect_error(
        lambda: client.infer("simple", inputs[:1]), "'INPUT1' is missing", "INVALID_ARGUMENT"
    )
    wrong = [inputs[0], tensor("INPUT1", np.ones((2, 16), np.float32), "FP32")]
    expect_error(lambda: client.infer("simple", wrong), "data-type is 'FP32'", "INVALID_ARGUMENT")
    short = [inputs[0], tensor("INPUT1", np.ones((2, 15), np.int32), "INT32")]
    expect_error(
        lambda: client.infer("simple", short), "Expected [-1,16], got [2,15]", "INVALID_ARGUMENT"
    )
    expect_error(client.get_cuda_shared_memory_status, "CudaSharedMemoryStatus", "UNIMPLEMENTED")


def check_load_and_unload(client):
    client.unload_model("trial")
    assert not client.is_model_ready("trial")
    client.load_model("trial")
    assert client.is_model_ready("trial")


def main():
    with triton.InferenceServerClient(sys.argv[2]) as client:
        for check in (
            check_health_and_metadata,
            check_infer,
            check_asynchronous,
            check_stream,
            check_kinds,
            check_large,
            check_errors,
            check_load_and_unload,
        ):
            check(client)
            print(f"  {check.__name__}")


if __name__ == "__main__":
    main()
