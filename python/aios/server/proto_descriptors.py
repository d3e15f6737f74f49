"""Files of messages as protobuf itself describes them: FileDescriptorProto."""

from __future__ import annotations

from typing import Any

from aios.server.proto_codec import Codec
from aios.server.proto_schema import (
    SCALARS,
    EnumSchema,
    FieldSchema,
    FileSchema,
    MessageSchema,
    Schemas,
    ServiceSchema,
)

_DESCRIPTOR_FILE = "google/protobuf/descriptor.proto"


def describe(schema: FileSchema, schemas: Schemas) -> bytes:
    """The FileDescriptorProto of a file.

    Args:
        schema: The file.
        schemas: It, with all that it imports.
    """
    document = {
        "name": schema.name,
        "package": schema.package,
        "dependency": schema.imports,
        "message_type": [_message(each, schemas) for each in schema.messages],
        "enum_type": [_enum(each) for each in schema.enums],
        "service": [_service(each) for each in schema.services],
        "syntax": "proto3",
    }
    return Codec(Schemas(_DESCRIPTOR_FILE)).encode("google.protobuf.FileDescriptorProto", document)


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _message(schema: MessageSchema, schemas: Schemas) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": _short(schema.name),
        "field": [_field(each, schema, schemas) for each in schema.fields],
        "nested_type": [_message(each, schemas) for each in schema.nested],
        "enum_type": [_enum(each) for each in schema.enums],
        "oneof_decl": [{"name": name} for name in schema.oneofs],
    }
    if schema.is_map_entry:
        document["options"] = {"map_entry": True}
    return document


def _field(field: FieldSchema, of: MessageSchema, schemas: Schemas) -> dict[str, Any]:
    kind = (
        field.type
        if field.type in SCALARS
        else "enum"
        if field.type in schemas.enums
        else "message"
    )
    first, *others = field.name.split("_")
    document: dict[str, Any] = {
        "name": field.name,
        "number": field.number,
        "label": "LABEL_REPEATED" if field.is_repeated else "LABEL_OPTIONAL",
        "type": f"TYPE_{kind.upper()}",
        "json_name": first + "".join(part.title() for part in others),
    }
    if field.type not in SCALARS:
        document["type_name"] = f".{field.type}"
    if field.oneof is not None:
        document["oneof_index"] = of.oneofs.index(field.oneof)
    return document


def _enum(schema: EnumSchema) -> dict[str, Any]:
    values = [{"name": name, "number": number} for name, number in schema.values.items()]
    return {"name": _short(schema.name), "value": values}


def _service(schema: ServiceSchema) -> dict[str, Any]:
    methods = [
        {
            "name": each.name,
            "input_type": f".{each.input}",
            "output_type": f".{each.output}",
            "client_streaming": each.client_streaming,
            "server_streaming": each.server_streaming,
        }
        for each in schema.methods
    ]
    return {"name": _short(schema.name), "method": methods}
