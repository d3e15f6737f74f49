"""What reflection says of a file is what protobuf's own package makes of it."""

import pytest
from google.protobuf import descriptor_pb2
from proto_messages import pool, schemas

from aios.server.proto_descriptors import describe

#: The files are installed with the extension.
pytestmark = pytest.mark.native


def described(name):
    data = describe(schemas().files[name], schemas())
    return descriptor_pb2.FileDescriptorProto.FromString(data)


def test_protobuf_takes_every_file_and_gives_it_back():
    for name in schemas().files:
        theirs = descriptor_pb2.FileDescriptorProto()
        pool().FindFileByName(name).CopyToProto(theirs)
        ours = described(name)
        for message in ours.message_type:
            clear_json_names(message)
        for message in theirs.message_type:
            clear_json_names(message)
        assert ours == theirs, name


def clear_json_names(message):
    """protobuf leaves out those that follow from the name."""
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        clear_json_names(nested)


def test_services_tell_which_methods_are_streams():
    (service,) = described("inference.proto").service
    method = next(each for each in service.method if each.name == "ModelStreamInfer")
    assert (method.client_streaming, method.server_streaming) == (True, True)
    assert method.input_type == ".inference.ModelInferRequest"


def test_a_json_name_is_protobufs():
    field = pool().FindMessageTypeByName("tensorflow.TensorProto").fields_by_name["tensor_shape"]
    assert field.json_name == "tensorShape"
    (message,) = (m for m in described("tensorflow.proto").message_type if m.name == "TensorProto")
    assert message.field[1].json_name == "tensorShape"
