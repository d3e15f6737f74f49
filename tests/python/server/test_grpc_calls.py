"""What gRPC clients of Triton and TensorFlow Serving send and get, through grpcio."""

import struct

import numpy as np
import pytest
from proto_messages import message_class
from served_models import KINDS

import aios

grpc = pytest.importorskip("grpc", reason="pip install 'aios-cells[test]'")

pytestmark = pytest.mark.native

_DEADLINE_S = 60
KSERVE = "inference.GRPCInferenceService"
PREDICTION = "tensorflow.serving.PredictionService"
DATATYPES = {
    "b": "BOOL", "f16": "FP16", "f64": "FP64", "i8": "INT8", "i64": "INT64", "u8": "UINT8",
    "u64": "UINT64", "s_bytes": "BYTES", "text": "BYTES",
}  # fmt: skip
CONTENTS = {
    "b": "bool_contents", "f64": "fp64_contents", "i8": "int_contents", "i64": "int64_contents",
    "u8": "uint_contents", "u64": "uint64_contents", "s_bytes": "bytes_contents",
    "text": "bytes_contents",
}  # fmt: skip
#: DataType, and the field of its elements.
TENSORS = {
    "b": (10, "bool_val"), "f16": (19, "half_val"), "f64": (2, "double_val"), "i8": (6, "int_val"),
    "i64": (9, "int64_val"), "u8": (4, "int_val"), "u64": (23, "uint64_val"),
    "s_bytes": (7, "string_val"), "text": (7, "string_val"),
}  # fmt: skip


@pytest.fixture(scope="module")
def channel(served_folder):
    with (
        aios.Server(served_folder, http_port=0, grpc_port=0, poll_s=0) as server,
        grpc.insecure_channel(server.grpc_url) as opened,
    ):
        yield opened


def call(channel, method, request, answer):
    """The answer to a message, as protobuf's own package reads it."""
    reply = channel.unary_unary(f"/{method}")(request.SerializeToString(), timeout=_DEADLINE_S)
    return message_class(answer).FromString(reply)


def infer(channel, request):
    return call(channel, f"{KSERVE}/ModelInfer", request, "inference.ModelInferResponse")


def serving(channel, method, request, answer):
    return call(channel, f"{PREDICTION}/{method}", request, f"tensorflow.serving.{answer}")


def failure(sending, *arguments):
    with pytest.raises(grpc.RpcError) as failed:
        sending(*arguments)
    return failed.value.code().name, failed.value.details()


def raw(array):
    if array.dtype != object:
        return array.tobytes()
    return b"".join(struct.pack("<I", len(each)) + each for each in array.ravel())


def infer_request(model="simple", **fields):
    return message_class("inference.ModelInferRequest")(model_name=model, **fields)


def simple_request(**fields):
    request = infer_request(**fields)
    for name in ("INPUT0", "INPUT1"):
        request.inputs.add(name=name, datatype="INT32", shape=[1, 16])
        request.raw_input_contents.append(np.arange(16, dtype=np.int32).tobytes())
    return request


def test_two_inputs_are_answered_by_the_outputs_that_are_asked_for(channel):
    request = simple_request(id="7", model_version="1")
    request.outputs.add(name="OUTPUT1")
    answer = infer(channel, request)
    assert (answer.model_name, answer.model_version, answer.id) == ("simple", "1", "7")
    (output,) = answer.outputs
    assert (output.name, output.datatype, list(output.shape)) == ("OUTPUT1", "INT32", [1, 16])
    assert answer.raw_output_contents[0] == np.zeros(16, np.int32).tobytes()
    assert [each.name for each in infer(channel, simple_request()).outputs] == [
        "OUTPUT0", "OUTPUT1",
    ]  # fmt: skip


@pytest.mark.parametrize("typed", [False, True])
def test_every_datatype_comes_back(channel, typed):
    request = infer_request("kinds")
    for name, array in KINDS.items():
        given = request.inputs.add(name=name, datatype=DATATYPES[name], shape=array.shape)
        if not typed:
            request.raw_input_contents.append(raw(array))
        elif name in CONTENTS:
            getattr(given.contents, CONTENTS[name]).extend(array.ravel().tolist())
    if typed:
        code, text = failure(infer, channel, request)
        assert (code, "expected raw_input_contents for the FP16 input 'f16'" in text) == (
            "INVALID_ARGUMENT", True,
        )  # fmt: skip
        return
    answer = infer(channel, request)
    got = {o.name: data for o, data in zip(answer.outputs, answer.raw_output_contents, strict=True)}
    assert got == {name: raw(array) for name, array in KINDS.items()}


def test_errors_of_infer_are_tritons(channel):
    assert failure(infer, channel, simple_request(model="none")) == (
        "NOT_FOUND", "Request for unknown model: 'none' is not found",
    )  # fmt: skip
    assert failure(infer, channel, simple_request(model_version="9")) == (
        "NOT_FOUND", "Request for unknown model: 'simple' version 9 is not found",
    )  # fmt: skip
    request = simple_request()
    request.inputs[0].datatype = "FP32"
    assert failure(infer, channel, request) == (
        "INVALID_ARGUMENT",
        "inference input 'INPUT0' data-type is 'FP32', but model 'simple' expects 'INT32'",
    )
    garbage = b"\x0a\xff"
    sending = channel.unary_unary(f"/{KSERVE}/ModelInfer")
    code, text = failure(lambda: sending(garbage, timeout=_DEADLINE_S))
    assert (code, text.startswith("malformed message")) == ("INVALID_ARGUMENT", True)


def test_an_error_with_a_long_name_is_cut_to_what_clients_take(channel):
    code, text = failure(infer, channel, simple_request(model="x" * 100_000))
    assert (code, len(text)) == ("NOT_FOUND", 2048)
    assert text.startswith("Request for unknown model: 'xxx")


def test_a_stream_is_answered_in_order_errors_too(channel):
    requests = [simple_request(id="a"), simple_request(model="none"), simple_request(id="b")]
    stream = channel.stream_stream(f"/{KSERVE}/ModelStreamInfer")
    replies = list(stream((each.SerializeToString() for each in requests), timeout=_DEADLINE_S))
    kind = message_class("inference.ModelStreamInferResponse")
    first, second, third = (kind.FromString(each) for each in replies)
    assert (first.infer_response.id, third.infer_response.id) == ("a", "b")
    assert first.infer_response.parameters["triton_final_response"].bool_param
    assert "'none' is not found" in second.error_message


def predict_request(model, **fields):
    request = message_class("tensorflow.serving.PredictRequest")(**fields)
    request.model_spec.name = model
    request.model_spec.signature_name = "serving_default"
    return request


def add_tensor(request, name, dtype, shape):
    tensor = request.inputs[name]
    tensor.dtype = dtype
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def values_of(array):
    if array.dtype == np.float16:
        array = array.view(np.uint16)
    return array.ravel().tolist()


@pytest.mark.parametrize("as_content", [False, True])
def test_every_dtype_is_predicted(channel, as_content):
    request = predict_request("kinds")
    for name, array in KINDS.items():
        dtype, field = TENSORS[name]
        tensor = add_tensor(request, name, dtype, array.shape)
        if as_content and array.dtype != object:
            tensor.tensor_content = array.tobytes()
        else:
            getattr(tensor, field).extend(values_of(array))
    answer = serving(channel, "Predict", request, "PredictResponse")
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("kinds", 1)
    assert answer.outputs.keys() == KINDS.keys()
    for name, array in KINDS.items():
        output, (dtype, field) = answer.outputs[name], TENSORS[name]
        assert output.dtype == dtype
        assert [dim.size for dim in output.tensor_shape.dim] == [2, 2]
        np.testing.assert_array_equal(list(getattr(output, field)), values_of(array))


def test_a_version_an_output_and_one_value_for_all_are_asked_for(channel):
    request = predict_request("half_plus_two", output_filter=["y"])
    request.model_spec.version.value = 122
    add_tensor(request, "x", 1, [3]).float_val.append(2)
    answer = serving(channel, "Predict", request, "PredictResponse")
    assert list(answer.outputs["y"].float_val) == [3, 3, 3]
    assert answer.model_spec.version.value == 122


def test_errors_of_predict_are_tensorflow_servings(channel):
    request = predict_request("none")
    assert failure(serving, channel, "Predict", request, "PredictResponse") == (
        "NOT_FOUND", "Servable not found for request: Latest(none)",
    )  # fmt: skip
    request = predict_request("half_plus_two")
    code, text = failure(serving, channel, "Predict", request, "PredictResponse")
    assert code == "INVALID_ARGUMENT"
    assert "Missing but required: {x}." in text


def with_examples(request, values):
    request.model_spec.name = "half_plus_two"
    for value in values:
        example = request.input.example_list.examples.add()
        example.features.feature["x"].float_list.value.append(value)
    return request


def test_examples_are_regressed(channel):
    request = with_examples(message_class("tensorflow.serving.RegressionRequest")(), [1, 5])
    answer = serving(channel, "Regress", request, "RegressionResponse")
    assert [each.value for each in answer.result.regressions] == [2.5, 4.5]
    assert answer.model_spec.version.value == 123


def test_examples_are_classified(channel):
    request = message_class("tensorflow.serving.ClassificationRequest")()
    request.model_spec.name = "trial"
    example = request.input.example_list_with_context.examples.add()
    (spec,) = metadata(channel, "trial").inputs
    example.features.feature[spec.name].float_list.value.extend([0.0] * spec.shape[1])
    answer = serving(channel, "Classify", request, "ClassificationResponse")
    (found,) = answer.result.classifications
    assert len(found.classes) == 3
    code, text = failure(
        serving,
        channel,
        "Classify",
        with_examples(message_class("tensorflow.serving.ClassificationRequest")(), [1]),
        "ClassificationResponse",
    )
    assert (code, "Expected Tensor shape: [batch_size num_classes]" in text) == (
        "INVALID_ARGUMENT", True,
    )  # fmt: skip


def test_several_tasks_share_their_examples(channel):
    request = message_class("tensorflow.serving.MultiInferenceRequest")()
    task = request.tasks.add(method_name="tensorflow/serving/regress")
    task.model_spec.name = "half_plus_two"
    request.input.example_list.examples.add().features.feature["x"].float_list.value.append(3)
    answer = serving(channel, "MultiInference", request, "MultiInferenceResponse")
    assert answer.results[0].regression_result.regressions[0].value == 3.5


def metadata(channel, model):
    return call(
        channel,
        f"{KSERVE}/ModelMetadata",
        message_class("inference.ModelMetadataRequest")(name=model),
        "inference.ModelMetadataResponse",
    )


def test_what_rest_tells_of_models_is_told_too(channel):
    tensor = metadata(channel, "simple").inputs[0]
    assert (tensor.name, tensor.datatype, list(tensor.shape)) == ("INPUT0", "INT32", [-1, 16])
    request = message_class("tensorflow.serving.GetModelStatusRequest")()
    request.model_spec.name = "half_plus_two"
    status = call(
        channel, "tensorflow.serving.ModelService/GetModelStatus", request,
        "tensorflow.serving.GetModelStatusResponse",
    )  # fmt: skip
    assert [(each.version, each.state) for each in status.model_version_status] == [
        (123, 30), (122, 30),
    ]  # fmt: skip
    request = message_class("inference.ModelStatisticsRequest")(name="simple")
    answer = call(
        channel, f"{KSERVE}/ModelStatistics", request, "inference.ModelStatisticsResponse"
    )
    assert answer.model_stats[0].name == "simple"
    request = message_class("inference.ModelConfigRequest")(name="simple")
    answer = call(channel, f"{KSERVE}/ModelConfig", request, "inference.ModelConfigResponse")
    assert answer.config.input[0].data_type == 8


def test_reflection_lists_the_services(channel):
    kind = "grpc.reflection.v1.ServerReflection"
    request = message_class(f"{kind}Request")(list_services="").SerializeToString()
    stream = channel.stream_stream(f"/{kind}/ServerReflectionInfo")
    replies = list(stream(iter([request, request]), timeout=_DEADLINE_S))
    assert len(replies) == 2
    answer = message_class(f"{kind}Response").FromString(replies[0])
    assert KSERVE in {each.name for each in answer.list_services_response.service}
