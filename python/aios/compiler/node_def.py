"""Operators that are TensorFlow's own in a `.tflite` file: their names and attributes.

TensorFlow's converter keeps an operator that it has no form for as a custom one: `FlexName`, whose
options hold a serialised NodeDef, or plain `Name`, whose options are a flexbuffer map.
Format: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/node_def.proto
and attr_value.proto beside it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Fields of NodeDef, of an entry of its map, and of AttrValue.
_ATTR, _KEY, _VALUE = 5, 1, 2
_LIST, _STRING, _INT, _FLOAT, _BOOL, _TYPE = 1, 2, 3, 4, 5, 6


def tensorflow_operator(code: str, options: bytes) -> tuple[str, dict[str, Any]]:
    """Returns the name and the attributes of a custom operator, as TensorFlow calls them.

    Args:
        code: The operator's custom code in the file.
        options: Its custom options.

    Returns:
        Text, numbers, truth values and lists of them; attributes of other kinds are left out.
    """
    from flatbuffers import flexbuffers  # type: ignore[import-untyped]

    if not options:
        return code.removeprefix("Flex"), {}
    root = flexbuffers.GetRoot(bytearray(options))
    if not code.startswith("Flex"):
        return code, dict(root.Value) if root.IsMap else {}
    node = bytes(root.AsVector[1].AsStringBytes)
    return code.removeprefix("Flex"), node_attributes(node)


def node_attributes(node: bytes) -> dict[str, Any]:
    """Returns the attributes of a serialised NodeDef."""
    attributes = {}
    for number, value in _fields(node):
        if number == _ATTR:
            entry = dict(_fields(value))
            attributes[entry[_KEY].decode()] = _value(entry.get(_VALUE, b""))
    return {name: value for name, value in attributes.items() if value is not None}


def _value(raw: bytes) -> Any:
    for number, value in _fields(raw):
        if number == _LIST:
            return _list(value)
        scalar = _scalar(number, value)
        if scalar is not None:
            return scalar
    return None


def _scalar(number: int, value: Any) -> Any:
    if number == _STRING:
        return value.decode(errors="replace")
    if number in (_INT, _TYPE):
        return _signed(value)
    if number == _FLOAT:
        return struct.unpack("<f", value)[0]
    return bool(value) if number == _BOOL else None


def _list(raw: bytes) -> list[Any]:
    items: list[Any] = []
    for number, value in _fields(raw):
        if number in (_INT, _TYPE, _BOOL) and isinstance(value, bytes):
            items += [_scalar(number, v) for v in _varints(value)]
        elif number == _FLOAT and len(value) > 4:
            items += struct.unpack(f"<{len(value) // 4}f", value)
        else:
            items.append(_scalar(number, value))
    return items


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Returns the number that begins at a position, and the position behind it."""
    result = shift = 0
    while True:
        byte = raw[at]
        result |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return result, at


def _varints(raw: bytes) -> Iterator[int]:
    at = 0
    while at < len(raw):
        value, at = _varint(raw, at)
        yield value


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """Yields the fields of a message: a number for a varint, else bytes."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(raw, at)
            yield key >> 3, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
        if kind == _BYTES:
            size, at = _varint(raw, at)
        if size is None:
            raise ValueError(f"wire type {kind}")
        yield key >> 3, raw[at : at + size]
        at += size
