"""Messages of protobuf as dicts, the same that the REST routes write as JSON.

A field that is unset is left out of what is written and has its default in what is read, but for
messages and members of a oneof, which are read only where they are there. 64-bit integers may be
given as decimal strings and enums as the names of their values, as in protobuf's JSON.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aios.errors import InternalError, InvalidArgumentError
from aios.server.proto_schema import SCALARS, FieldSchema, MessageSchema, Schemas

_VARINT, _FIXED64, _BYTES, _GROUP, _END_GROUP, _FIXED32 = range(6)
_FIXED = {"float": ("<f", _FIXED32), "double": ("<d", _FIXED64)}
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_TEXTS = ("bytes", "string")
_LONGEST_VARINT = 10
_MOST_DEPTH = 100
_DEFAULTS: dict[str, Any] = {"bytes": b"", "string": "", "bool": False, "float": 0.0, "double": 0.0}

#: A field's number, its wire type, and its value: an integer or bytes.
Wire = tuple[int, int, Any]


class Codec:
    """Writes and reads the messages of some files."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def encode(self, message: str, document: Mapping[str, Any]) -> bytes:
        """The bytes of a message.

        Args:
            message: Its full name.
            document: A value for each field that isn't its default.

        Raises:
            InternalError: The document has a value that the message has no field for.
        """
        schema = self._schemas.messages[message]
        fields = {field.name: field for field in schema.fields}
        unknown = document.keys() - fields.keys()
        if unknown:
            raise InternalError(f"{message} has no field {', '.join(sorted(unknown))}")
        values = ((field, document.get(name)) for name, field in fields.items())
        return b"".join(self._field(field, value) for field, value in values if value is not None)

    def decode(self, message: str, data: bytes) -> dict[str, Any]:
        """A message as a dict; fields that it hasn't are ignored.

        Raises:
            InvalidArgumentError: The bytes aren't such a message.
        """
        return self._decode(self._schemas.messages[message], data, 0)

    def _field(self, field: FieldSchema, value: Any) -> bytes:
        if field.is_map:
            entries = ({"key": key, "value": each} for key, each in value.items())
            return b"".join(_delimited(field.number, self.encode(field.type, e)) for e in entries)
        if not field.is_repeated:
            is_default = field.type in SCALARS and not value and field.oneof is None
            return b"" if is_default or self._is_first(field, value) else self._one(field, value)
        if field.type in _TEXTS or field.type in self._schemas.messages:
            return b"".join(self._one(field, each) for each in value)
        packed = b"".join(self._number(field.type, each) for each in value)
        return _delimited(field.number, packed) if packed else b""

    def _is_first(self, field: FieldSchema, value: Any) -> bool:
        """Whether an enum has its default."""
        enum = self._schemas.enums.get(field.type)
        return enum is not None and field.oneof is None and self._number(field.type, value) == b"\0"

    def _one(self, field: FieldSchema, value: Any) -> bytes:
        if field.type in self._schemas.messages:
            return _delimited(field.number, self.encode(field.type, value))
        if field.type in _TEXTS:
            return _delimited(field.number, value.encode() if isinstance(value, str) else value)
        wire = _FIXED[field.type][1] if field.type in _FIXED else _VARINT
        return _varint(field.number << 3 | wire) + self._number(field.type, value)

    def _number(self, kind: str, value: Any) -> bytes:
        if kind in _FIXED:
            return struct.pack(_FIXED[kind][0], value)
        enum = self._schemas.enums.get(kind)
        if enum is not None and isinstance(value, str):
            return _varint(enum.values[value])
        return _varint(int(value) & 0xFFFF_FFFF_FFFF_FFFF)

    def _decode(self, schema: MessageSchema, data: bytes, depth: int) -> dict[str, Any]:
        if depth > _MOST_DEPTH:
            raise InvalidArgumentError("malformed message: messages in one another are too deep")
        fields = {field.number: field for field in schema.fields}
        document: dict[str, Any] = {}
        parts: dict[str, list[bytes]] = {}
        for number, wire, value in _fields(data):
            field = fields.get(number)
            if field is None or not self._fits(field, wire):
                continue
            if field.oneof is not None:
                for other in schema.fields:
                    if other.oneof == field.oneof and other is not field:
                        document.pop(other.name, None)
                        parts.pop(other.name, None)
            if field.type in self._schemas.messages and not field.is_repeated:
                # Parts of a message are merged, which their bytes in a row are.
                parts.setdefault(field.name, []).append(value)
                document[field.name] = None
            else:
                self._take(document, field, wire, value, depth)
        for name, part in parts.items():
            nested = next(field for field in schema.fields if field.name == name)
            whole = b"".join(part)
            document[name] = self._decode(self._schemas.messages[nested.type], whole, depth + 1)
        return self._with_defaults(schema, document)

    def _fits(self, field: FieldSchema, wire: int) -> bool:
        """Whether a field is written in its own way; a repeated number may be packed or not."""
        if field.type in _TEXTS or field.type in self._schemas.messages:
            return wire == _BYTES
        own = _FIXED[field.type][1] if field.type in _FIXED else _VARINT
        return wire == own or (field.is_repeated and wire == _BYTES)

    def _take(
        self, document: dict[str, Any], field: FieldSchema, wire: int, value: Any, depth: int
    ) -> None:
        if field.type in self._schemas.messages:
            nested = self._decode(self._schemas.messages[field.type], value, depth + 1)
            if field.is_map:
                entry = self._entry(field, nested)
                document.setdefault(field.name, {})[entry[0]] = entry[1]
            else:
                document.setdefault(field.name, []).append(nested)
            return
        values = (
            self._unpacked(field.type, value)
            if wire == _BYTES and field.type not in _TEXTS
            else [_scalar(field.type, value)]
        )
        if field.is_repeated:
            document.setdefault(field.name, []).extend(values)
        else:
            document[field.name] = values[-1]

    def _entry(self, field: FieldSchema, nested: dict[str, Any]) -> tuple[Any, Any]:
        if "value" in nested:
            return nested["key"], nested["value"]
        value = next(f for f in self._schemas.messages[field.type].fields if f.name == "value")
        return nested["key"], self._decode(self._schemas.messages[value.type], b"", 0)

    def _unpacked(self, kind: str, data: bytes) -> list[Any]:
        if kind in _FIXED:
            form = _FIXED[kind][0]
            if len(data) % struct.calcsize(form):
                raise InvalidArgumentError("malformed message: packed numbers are cut short")
            return [value for (value,) in struct.iter_unpack(form, data)]
        values, at = [], 0
        while at < len(data):
            value, at = _read_varint(data, at)
            values.append(_scalar(kind, value))
        return values

    def _with_defaults(self, schema: MessageSchema, document: dict[str, Any]) -> dict[str, Any]:
        for field in schema.fields:
            if field.is_map:
                document.setdefault(field.name, {})
            elif field.is_repeated:
                document.setdefault(field.name, [])
            elif field.oneof is None and field.type not in self._schemas.messages:
                document.setdefault(field.name, _DEFAULTS.get(field.type, 0))
        return document


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _delimited(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _signed(bits: int, width: int) -> int:
    bits &= (1 << width) - 1
    return bits - (1 << width) if bits >> (width - 1) else bits


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"malformed message: a string isn't UTF-8: {error}") from error


def _float(data: bytes) -> Any:
    return struct.unpack("<f", data)[0]


def _double(data: bytes) -> Any:
    return struct.unpack("<d", data)[0]


def _uint32(bits: int) -> int:
    return bits & 0xFFFF_FFFF


def _int64(bits: int) -> int:
    return _signed(bits, 64)


def _int32(bits: int) -> int:
    return _signed(bits, 32)


_READERS: dict[str, Callable[[Any], Any]] = {
    "bytes": bytes,
    "string": _text,
    "bool": bool,
    "float": _float,
    "double": _double,
    "uint64": int,
    "uint32": _uint32,
    "int64": _int64,
}


def _scalar(kind: str, value: Any) -> Any:
    """A value of a scalar's type; enums are int32, too."""
    return _READERS.get(kind, _int32)(value)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if at >= len(data):
            raise InvalidArgumentError("malformed message: a number is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise InvalidArgumentError("malformed message: a number of more than 10 bytes")


def _fields(data: bytes) -> Iterator[Wire]:
    """The fields of a message in their order, without the groups that are in it."""
    at = 0
    open_groups: list[int] = []
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise InvalidArgumentError(f"malformed message: there is no field {number}")
        value: Any = None
        if wire == _VARINT:
            value, at = _read_varint(data, at)
        elif wire in {_BYTES, _FIXED64, _FIXED32}:
            size, at = _read_varint(data, at) if wire == _BYTES else (_SIZES[wire], at)
            value, at = data[at : at + size], at + size
            if at > len(data):
                raise InvalidArgumentError("malformed message: a length beyond the end")
        elif wire == _GROUP and len(open_groups) < _MOST_DEPTH:
            open_groups.append(number)
        elif wire != _END_GROUP or not open_groups or open_groups.pop() != number:
            raise InvalidArgumentError(f"malformed message: unexpected kind of value, {wire}")
        if value is not None and not open_groups:
            yield number, wire, value
    if open_groups:
        raise InvalidArgumentError("malformed message: a group without an end")
