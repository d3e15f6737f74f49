"""Clients without files find services, files and symbols."""

import pytest
from google.protobuf import descriptor_pb2
from proto_messages import message_class, schemas

from aios.server.grpc_reflection import Reflection

#: The files are installed with the extension.
pytestmark = pytest.mark.native

REFLECTION = Reflection(schemas())


def ask(version="v1", **asked):
    package = f"grpc.reflection.{version}"
    request = message_class(f"{package}.ServerReflectionRequest")(host="h", **asked)
    answer = REFLECTION.method(version)(request.SerializeToString(), "open")
    response = message_class(f"{package}.ServerReflectionResponse").FromString(answer)
    assert response.valid_host == "h"
    assert response.original_request == request
    return response


def names_in(response):
    files = response.file_descriptor_response.file_descriptor_proto
    return [descriptor_pb2.FileDescriptorProto.FromString(each).name for each in files]


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_services_are_listed(version):
    listed = ask(version, list_services="").list_services_response.service
    assert {each.name for each in listed} == {
        "inference.GRPCInferenceService", "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService", "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
    }  # fmt: skip


def test_a_file_comes_with_those_that_it_imports():
    expected = [
        "tensorflow_serving.proto", "google/protobuf/any.proto", "google/protobuf/wrappers.proto",
        "tensorflow.proto", "tensorflow_error.proto",
    ]  # fmt: skip
    for symbol in (
        "tensorflow.serving.PredictionService",
        "tensorflow.serving.PredictionService.Predict",
        "tensorflow.serving.PredictRequest.InputsEntry",
        "tensorflow.serving.ModelVersionStatus.State",
    ):
        assert names_in(ask(file_containing_symbol=symbol)) == expected
    assert names_in(ask(file_by_filename="tensorflow.proto")) == ["tensorflow.proto"]


def test_what_is_not_there_is_an_error_in_the_answer():
    for asked, words in (
        ({"file_by_filename": "none.proto"}, "there is no file 'none.proto'"),
        ({"file_containing_symbol": "a.B"}, "no service, message or method 'a.B'"),
        ({"all_extension_numbers_of_type": "a.B"}, "there is no message 'a.B'"),
        ({"file_containing_extension": {"containing_type": "a.B"}}, "no message here has"),
    ):
        error = ask(**asked).error_response
        assert error.error_code == 5
        assert words in error.error_message
    assert ask().error_response.error_code == 12


def test_no_message_has_extensions():
    asked = {"all_extension_numbers_of_type": "tensorflow.Example"}
    found = ask(**asked).all_extension_numbers_response
    assert (found.base_type_name, list(found.extension_number)) == ("tensorflow.Example", [])
