"""String tensors as two plain ones, because safetensors has no strings.

A tensor NAME of strings, of shape [samples, …call], is kept as

    NAME#bytes    uint8 [total]            the bytes of all elements, in row-major order
    NAME#offsets  int64 [samples, …call, 2]  where each element begins and ends in NAME#bytes

so an element may hold any bytes, and the shape is that of `NAME#offsets` without its last axis.
`aios.bundle.golden.unpack_strings` is the inverse.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from aios.bundle.comparison import Array, Arrays
from aios.bundle.golden import BYTES, OFFSETS


def to_bytes(value: object) -> Array:
    """An object array of `bytes`, from an array or nested lists of str or bytes."""
    source = np.asarray(value, dtype=object)
    encoded = np.empty(source.shape, dtype=object)
    for index in np.ndindex(source.shape):
        element: Any = source[index]
        if not isinstance(element, (str, bytes)):
            raise TypeError(f"expected str or bytes, got {type(element).__name__}")
        encoded[index] = element.encode() if isinstance(element, str) else bytes(element)
    return encoded


def pack(name: str, array: Array) -> Arrays:
    """The two tensors of an object array of bytes."""
    elements = list(array.reshape(-1))
    ends = np.cumsum([0, *map(len, elements)], dtype=np.int64)
    offsets = np.stack([ends[:-1], ends[1:]], axis=-1).reshape(*array.shape, 2)
    content = np.frombuffer(b"".join(elements), dtype=np.uint8)
    return {name + BYTES: content, name + OFFSETS: offsets}
