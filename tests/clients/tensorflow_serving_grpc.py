"""TensorFlow Serving's own API against the gRPC server at sys.argv[2]; fails where one differs."""

import sys

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

_DEADLINE_S = 60

KINDS = {
    "b": np.array([[True, False]]),
    "f16": np.array([[0.5, -2]], np.float16),
    "f64": np.array([[np.nan, 1e300]]),
    "i8": np.array([[-128, 127]], np.int8),
    "i64": np.array([[-(2**63), 2**63 - 1]]),
    "u8": np.array([[0, 255]], np.uint8),
    "u64": np.array([[0, 2**64 - 1]], np.uint64),
    "s_bytes": np.array([[b"", b"\xff\x00"]], dtype=object),
    "text": np.array([[b"a", b""]], dtype=object),
}


def predict_request(model, inputs, *, signature="serving_default"):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return request


def example(**floats):
    features = {
        name: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        for name, value in floats.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def expect_error(call, words, code):
    caught = None
    try:
        call()
    except grpc.RpcError as error:
        caught = error
    assert caught is not None, f"expected an error with: {words}"
    assert words in caught.details(), caught.details()
    assert caught.code() is code, caught.code()


def check_predict(prediction, _models):
    answer = prediction.Predict(predict_request("kinds", KINDS), _DEADLINE_S)
    for name, array in KINDS.items():
        np.testing.assert_array_equal(tf.make_ndarray(answer.outputs[name]), array)
    request = predict_request("half_plus_two", {"x": np.float32([1, 2, 5])})
    request.model_spec.version.value = 122
    request.output_filter.append("y")
    answer = prediction.Predict(request, _DEADLINE_S)
    assert list(answer.outputs["y"].float_val) == [2.5, 3, 4.5]
    assert answer.model_spec.version.value == 122


def check_large(prediction, _models):
    x = np.arange(4_000_000, dtype=np.float32)
    answer = prediction.Predict(predict_request("half_plus_two", {"x": x}), _DEADLINE_S)
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["y"]), x / 2 + 2)


def check_regress_and_classify(prediction, _models):
    request = regression_pb2.RegressionRequest()
    request.model_spec.name = "half_plus_two"
    request.input.example_list.examples.extend([example(x=1), example(x=5)])
    answer = prediction.Regress(request, _DEADLINE_S)
    assert [each.value for each in answer.result.regressions] == [2.5, 4.5]
    tasks = inference_pb2.MultiInferenceRequest()
    task = tasks.tasks.add(method_name="tensorflow/serving/regress")
    task.model_spec.name = "half_plus_two"
    tasks.input.example_list_with_context.examples.add()
    tasks.input.example_list_with_context.context.CopyFrom(example(x=3))
    answer = prediction.MultiInference(tasks, _DEADLINE_S)
    assert answer.results[0].regression_result.regressions[0].value == 3.5
    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name = "half_plus_two"
    classify.input.example_list.examples.append(example(x=1))
    expect_error(
        lambda: prediction.Classify(classify, _DEADLINE_S),
        "Expected Tensor shape: [batch_size num_classes]",
        grpc.StatusCode.INVALID_ARGUMENT,
    )


def check_status_and_metadata(prediction, models):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "half_plus_two"
    status = models.GetModelStatus(request, _DEADLINE_S)
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert {each.version: each.state for each in status.model_version_status} == {
        122: available, 123: available,
    }  # fmt: skip
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "half_plus_two"
    answer = prediction.GetModelMetadata(request, _DEADLINE_S)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(found)
    assert found.signature_def["serving_default"].inputs["x"].dtype == tf.float32.as_datatype_enum
    expect_error(
        lambda: models.HandleReloadConfigRequest(
            model_management_pb2.ReloadConfigRequest(), _DEADLINE_S
        ),
        "HandleReloadConfigRequest isn't supported",
        grpc.StatusCode.UNIMPLEMENTED,
    )


def check_errors(prediction, _models):
    x = {"x": np.float32([1])}
    for model, asked, words, code in (
        ("none", x, "Servable not found for request: Latest(none)", "NOT_FOUND"),
        ("half_plus_two", {}, "Missing but required: {x}.", "INVALID_ARGUMENT"),
        ("half_plus_two", {"x": np.int32([1])}, "got a tensor of the DataType 3",
         "INVALID_ARGUMENT"),
    ):  # fmt: skip
        request = predict_request(model, asked)
        expect_error(
            lambda request=request: prediction.Predict(request, _DEADLINE_S),
            words,
            grpc.StatusCode[code],
        )
    expect_error(
        lambda: prediction.Predict(predict_request("half_plus_two", x, signature="w"), _DEADLINE_S),
        'Serving signature key "w" not found.',
        grpc.StatusCode.FAILED_PRECONDITION,
    )


def main():
    with grpc.insecure_channel(
        sys.argv[2], options=[("grpc.max_receive_message_length", -1)]
    ) as channel:
        prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        models = model_service_pb2_grpc.ModelServiceStub(channel)
        for check in (
            check_predict,
            check_large,
            check_regress_and_classify,
            check_status_and_metadata,
            check_errors,
        ):
            check(prediction, models)
            print(f"  {check.__name__}")


if __name__ == "__main__":
    main()
