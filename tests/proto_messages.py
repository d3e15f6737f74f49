"""The messages of proto/ as protobuf's own package makes them."""

from functools import cache

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from aios.server.proto_descriptors import describe
from aios.server.proto_schema import Schemas

FILES = (
    "inference.proto",
    "tensorflow_serving.proto",
    "grpc_health_v1.proto",
    "grpc_reflection_v1.proto",
    "grpc_reflection_v1alpha.proto",
)


@cache
def schemas():
    return Schemas(*FILES)


@cache
def pool():
    """Of its own, as TensorFlow has put its messages into protobuf's default one."""
    pool = descriptor_pool.DescriptorPool()
    for schema in schemas().files.values():
        described = descriptor_pb2.FileDescriptorProto.FromString(describe(schema, schemas()))
        pool.Add(described)
    return pool


@cache
def message_class(name):
    """protobuf's class of a message, by its full name."""
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(name))
