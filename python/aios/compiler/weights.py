"""The constants of a model in one file: shared by content, aligned, in order of first use."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.planner import ALIGNMENT, align

if TYPE_CHECKING:
    from aios.compiler.graph import Array


class WeightStore:
    """Collects constants; equal bytes are stored once."""

    def __init__(self) -> None:
        self._offsets: dict[bytes, int] = {}
        self._blobs: list[bytes] = []
        self._end = 0

    @property
    def nbytes(self) -> int:
        """The size of the file, a multiple of the alignment."""
        return self._end

    def add(self, data: Array) -> int:
        """Stores a constant and returns its byte offset."""
        blob = np.ascontiguousarray(data).tobytes()
        digest = hashlib.sha256(blob).digest()
        offset = self._offsets.get(digest)
        if offset is None:
            offset = self._offsets[digest] = self._end
            padding = align(len(blob)) - len(blob)
            self._blobs += [blob, bytes(padding)]
            self._end += len(blob) + padding
        return offset

    def content(self) -> bytes:
        """Returns the file's bytes."""
        return b"".join(self._blobs)


__all__ = ["ALIGNMENT", "WeightStore"]
