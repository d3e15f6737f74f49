"""Reads the file of golden samples, which aios.exporting.golden writes, without safetensors.

The format is https://github.com/huggingface/safetensors: the header's length in 8 bytes, little
endian; a JSON header with each tensor's dtype, shape and place; the bytes. Strings are two tensors,
as aios.exporting.strings lays them out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from aios.bundle.directory import BundleDirectory
from aios.bundle.dtypes import STRING, TABLE, numpy_dtype
from aios.bundle.fields import is_integer, shown
from aios.bundle.records import SignatureRecord, TensorRecord
from aios.bundle.schema import MAX_RANK
from aios.errors import CorruptBundleError

Array = npt.NDArray[Any]

BYTES = "#bytes"
OFFSETS = "#offsets"
_NAMES = {dtype.safetensors: dtype.name for dtype in TABLE}
#: Of src/bundle/golden.cpp.
_HEADER_BYTES = 4 << 20
_SAMPLES = 1_000_000
_LARGEST = 2**63 - 1


def read_tensors(directory: BundleDirectory, path: str) -> dict[str, Array]:
    """Every tensor of a safetensors file, by name.

    Raises:
        CorruptBundleError: The file can't be read, or isn't one.
    """
    content = memoryview(directory.for_reading(path))
    try:
        length = int.from_bytes(content[:8], "little")
        if len(content) < 8 or length > min(len(content) - 8, _HEADER_BYTES):
            raise ValueError(f"the header has {length} bytes")
        header = json.loads(bytes(content[8 : 8 + length]))
        payload = content[8 + length :]
        return {
            name: _entry(payload, entry) for name, entry in header.items() if name != "__metadata__"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptBundleError(
            f"bundle's golden samples '{path}' in '{directory.root}' can't be read "
            f"({shown(repr(error))}); export the bundle again"
        ) from error


def _entry(payload: memoryview, entry: Mapping[str, Any]) -> Array:
    dtype, shape, place = (
        numpy_dtype(_NAMES[entry["dtype"]]), entry["shape"], entry["data_offsets"],
    )  # fmt: skip
    for sizes in (shape, place):
        if not isinstance(sizes, list) or not all(is_integer(n, 0, _LARGEST) for n in sizes):
            raise ValueError("an entry is malformed")
    begin, end = place
    fits = begin <= end <= len(payload) and math.prod(shape) * dtype.itemsize == end - begin
    if not fits or not 1 <= len(shape) <= MAX_RANK + 2 or shape[0] > _SAMPLES:
        raise ValueError("an entry doesn't fit its bytes")
    return np.frombuffer(payload[begin:end], dtype).reshape(shape)


def samples_of(
    tensors: Mapping[str, Array], signature: SignatureRecord, role: str, spec: TensorRecord
) -> Array:
    """A tensor's samples, of shape [samples, …call]; strings as objects of type bytes.

    Args:
        tensors: What `read_tensors` gave.
        signature: One of the bundle's signatures.
        role: "inputs" or "outputs".
        spec: A tensor of that role.

    Raises:
        CorruptBundleError: There is none of the spec's dtype and shape.
    """
    key = f"{signature.name}/{role}/{spec.name}"
    strings = spec.dtype == STRING
    if (key + OFFSETS if strings else key) not in tensors:
        raise CorruptBundleError(f"bundle's golden samples lack '{key}'; export the bundle again")
    samples = unpack_strings(key, tensors) if strings else tensors[key]
    fits = (strings or samples.dtype == numpy_dtype(spec.dtype)) and samples.ndim == 1 + len(
        spec.shape
    )
    sizes = zip(spec.shape, samples.shape[1:], strict=False)
    if not fits or any(expected not in (-1, size) for expected, size in sizes):
        raise CorruptBundleError(
            f"bundle's golden samples '{key}' aren't of the signature's dtype and shape; export "
            "the bundle again"
        )
    return samples


def unpack_strings(name: str, tensors: Mapping[str, Array]) -> Array:
    """An object array of bytes, from the two tensors of strings.

    Raises:
        CorruptBundleError: One of the two is missing, or they don't fit each other.
    """
    content, offsets = tensors.get(name + BYTES), tensors.get(name + OFFSETS)
    if (
        content is None or content.dtype != np.uint8 or content.ndim != 1
        or offsets is None or offsets.dtype != np.int64 or offsets.shape[-1:] != (2,)
        or not (offsets[..., 0] <= offsets[..., 1]).all()
        or (offsets < 0).any() or (offsets > len(content)).any()
    ):  # fmt: skip
        raise CorruptBundleError(
            f"bundle's golden samples '{name}' aren't strings and their places; export the bundle "
            "again"
        )
    joined = content.tobytes()
    array = np.empty(offsets.shape[:-1], dtype=object)
    for index in np.ndindex(array.shape):
        begin, end = offsets[index]
        array[index] = joined[begin:end]
    return array
