"""gRPC's server reflection: what services there are, for clients without their files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aios.errors import NotFoundError
from aios.server.proto_codec import Codec
from aios.server.proto_descriptors import describe
from aios.server.proto_schema import FileSchema, MessageSchema, Schemas

_NOT_FOUND = 5
_UNIMPLEMENTED = 12

_Document = dict[str, Any]


class Reflection:
    """Answers about the services of some files.

    Args:
        schemas: The files.
    """

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._codec = Codec(schemas)
        self._symbols = {
            symbol: schema for schema in schemas.files.values() for symbol in _symbols(schema)
        }

    def method(self, version: str) -> Callable[[bytes, str], bytes]:
        """What answers one request of a stream, in `v1` or `v1alpha`, whoever asks."""
        package = f"grpc.reflection.{version}"

        def call(message: bytes, _granted: str) -> bytes:
            asked = self._codec.decode(f"{package}.ServerReflectionRequest", message)
            document = {"valid_host": asked["host"], "original_request": asked}
            try:
                document.update(self._response(asked))
            except NotFoundError as error:
                document.update(_error(_NOT_FOUND, str(error)))
            return self._codec.encode(f"{package}.ServerReflectionResponse", document)

        return call

    def _response(self, asked: _Document) -> _Document:
        if "list_services" in asked:
            names = [
                {"name": service.name}
                for schema in self._schemas.files.values()
                for service in schema.services
            ]
            return {"list_services_response": {"service": names}}
        if "file_by_filename" in asked:
            return self._files(self._file(asked["file_by_filename"]))
        if "file_containing_symbol" in asked:
            return self._files(self._containing(asked["file_containing_symbol"]))
        if "all_extension_numbers_of_type" in asked:
            name = asked["all_extension_numbers_of_type"]
            if name not in self._schemas.messages:
                raise NotFoundError(f"there is no message '{name}'")
            return {"all_extension_numbers_response": {"base_type_name": name}}
        if "file_containing_extension" in asked:
            raise NotFoundError("no message here has extensions")
        return _error(_UNIMPLEMENTED, "this request of reflection isn't known")

    def _file(self, name: str) -> FileSchema:
        if name not in self._schemas.files:
            raise NotFoundError(f"there is no file '{name}'")
        return self._schemas.files[name]

    def _containing(self, symbol: str) -> FileSchema:
        if symbol not in self._symbols:
            raise NotFoundError(f"there is no service, message or method '{symbol}'")
        return self._symbols[symbol]

    def _files(self, schema: FileSchema) -> _Document:
        """A file, after it those that it imports."""
        names = [schema.name]
        for name in names:
            names += [each for each in self._schemas.files[name].imports if each not in names]
        files = [describe(self._schemas.files[name], self._schemas) for name in names]
        return {"file_descriptor_response": {"file_descriptor_proto": files}}


def _error(code: int, message: str) -> _Document:
    return {"error_response": {"error_code": code, "error_message": message}}


def _symbols(schema: FileSchema) -> list[str]:
    """The full names of all that a file describes."""
    found = [enum.name for enum in schema.enums]
    for service in schema.services:
        found += [service.name, *(f"{service.name}.{method.name}" for method in service.methods)]
    for message in schema.messages:
        found += _symbols_of(message)
    return found


def _symbols_of(message: MessageSchema) -> list[str]:
    nested = [symbol for each in message.nested for symbol in _symbols_of(each)]
    return [message.name, *nested, *(enum.name for enum in message.enums)]
