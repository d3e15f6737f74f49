"""KServe v2's names of dtypes, and its binary tensors: little-endian, strings with their lengths.

Format: triton-inference-server/server, docs/protocol/extension_binary_data.md.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from aios.bundle.dtypes import STRING, numpy_dtype
from aios.errors import InvalidArgumentError

#: By the names of signatures.
DATATYPES = {
    "bool": "BOOL", "int8": "INT8", "uint8": "UINT8", "int16": "INT16", "uint16": "UINT16",
    "int32": "INT32", "uint32": "UINT32", "int64": "INT64", "uint64": "UINT64", "float16": "FP16",
    "float32": "FP32", "float64": "FP64", "string": "BYTES", "bfloat16": "BF16",
}  # fmt: skip
_NAMES = {datatype: name for name, datatype in DATATYPES.items()}

Array = npt.NDArray[Any]


def datatype_of(array: Array) -> str:
    """The datatype of an array; BYTES for objects, text and bytes.

    Raises:
        InvalidArgumentError: There is none.
    """
    if array.dtype.kind in "OSU":
        return DATATYPES[STRING]
    if array.dtype.name not in DATATYPES:
        raise InvalidArgumentError(f"no tensor has the dtype {array.dtype}; cast to float32, say")
    return DATATYPES[array.dtype.name]


def to_binary(array: Array) -> bytes:
    """The bytes of an array's elements."""
    if array.dtype.kind not in "OSU":
        return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
    texts = [_bytes(each) for each in array.ravel().tolist()]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def from_binary(data: memoryview, datatype: str, shape: list[int]) -> Array:
    """An array that owns its memory; of objects of type bytes for BYTES.

    Raises:
        InvalidArgumentError: The bytes aren't those of such a tensor.
    """
    name = _NAMES.get(datatype)
    if name is None:
        raise InvalidArgumentError(f"datatype: expected one of {', '.join(_NAMES)}, got {datatype}")
    try:
        if name == STRING:
            return np.array(_strings(data) or [b""], dtype=object)[: _count(shape)].reshape(shape)
        return np.frombuffer(data, numpy_dtype(name)).reshape(shape).copy()
    except (ValueError, struct.error) as error:
        raise InvalidArgumentError(
            f"{len(data)} bytes aren't a tensor of {datatype}{shape}: {error}"
        ) from error


def _count(shape: list[int]) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _strings(data: memoryview) -> list[bytes]:
    texts, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        at += 4
        if size > len(data) - at:
            raise ValueError("a string is cut short")
        texts.append(bytes(data[at : at + size]))
        at += size
    return texts


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise InvalidArgumentError(f"strings: expected bytes or str, got {value!r}")
