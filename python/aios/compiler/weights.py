"""The constants of a model in one file: shared by content, aligned, in order of first use."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.planner import ALIGNMENT, align

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aios.compiler.graph import Array


class WeightStore:
    """Collects constants; equal bytes are stored once. It holds the arrays, not copies."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Array, int]] = {}
        self._offsets: dict[bytes, int] = {}
        self._blobs: list[Array] = []
        self._end = 0

    @property
    def nbytes(self) -> int:
        """The size of the file, a multiple of the alignment."""
        return self._end

    def add(self, data: Array) -> int:
        """Stores a constant and returns its byte offset; it must not be changed afterwards."""
        if id(data) not in self._known:
            self._known[id(data)] = (data, self._place(data))
        return self._known[id(data)][1]

    def _place(self, data: Array) -> int:
        blob = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        digest = hashlib.sha256(blob.data).digest()
        offset = self._offsets.get(digest)
        if offset is None:
            offset = self._offsets[digest] = self._end
            self._blobs.append(blob)
            self._end += align(blob.size)
        return offset

    def _pieces(self) -> Iterator[memoryview | bytes]:
        for blob in self._blobs:
            yield blob.data
            yield bytes(align(blob.size) - blob.size)

    def sha256(self) -> str:
        """Returns the hash of the file's bytes."""
        digest = hashlib.sha256()
        for piece in self._pieces():
            digest.update(piece)
        return digest.hexdigest()

    def write(self, path: Path) -> None:
        """Writes the file."""
        with open(path, "wb") as file:
            for piece in self._pieces():
                file.write(piece)


__all__ = ["ALIGNMENT", "WeightStore"]
