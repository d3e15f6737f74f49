"""Messages with arrays between two processes that run this version of aios.

A message is the length of its JSON in 8 bytes, little endian, the JSON, then the bytes of its
arrays, which the JSON's "arrays" describes as [name, dtype, shape]; for strings, whose dtype is
"object", as [name, dtype, shape, lengths].
"""

from __future__ import annotations

import json
import math
import socket
import time
from typing import Any

import numpy as np

from aios.bundle.comparison import Array, Arrays
from aios.bundle.dtypes import numpy_dtype

Json = dict[str, Any]
_ARRAYS = "arrays"


class Line:
    """One end of a line; the other process has the other."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(
        self, message: Json, arrays: Arrays | None = None, limit_s: float | None = None
    ) -> None:
        """Sends a message.

        Raises:
            TimeoutError: The other end didn't take it in time.
            OSError: The other end is closed.
        """
        plain = {name: np.ascontiguousarray(array) for name, array in (arrays or {}).items()}
        places = [_described(name, array) for name, array in plain.items()]
        header = json.dumps({**message, _ARRAYS: places}).encode()
        self._end.settimeout(limit_s)
        self._end.sendall(len(header).to_bytes(8, "little") + header)
        for array in plain.values():
            if array.dtype == object:
                self._end.sendall(b"".join(array.flat))
            else:
                self._end.sendall(array.reshape(-1).view(np.uint8).data)

    def receive(self, limit_s: float | None = None) -> tuple[Json, Arrays]:
        """The next message.

        Raises:
            TimeoutError: It didn't come in time.
            EOFError: The other end is closed.
        """
        deadline = None if limit_s is None else time.monotonic() + limit_s
        length = int.from_bytes(self._bytes(8, deadline), "little")
        message: Json = json.loads(self._bytes(length, deadline))
        arrays = {}
        for name, dtype, shape, *lengths in message.pop(_ARRAYS):
            if lengths:
                arrays[name] = self._strings(shape, lengths[0], deadline)
                continue
            kind = numpy_dtype(dtype)
            content = self._bytes(math.prod(shape) * kind.itemsize, deadline)
            arrays[name] = np.frombuffer(content, kind).reshape(shape)
        return message, arrays

    def close(self) -> None:
        """Closes this end."""
        self._end.close()

    def _strings(self, shape: list[int], lengths: list[int], deadline: float | None) -> Array:
        array = np.empty(len(lengths), dtype=object)
        array[:] = [bytes(self._bytes(length, deadline)) for length in lengths]
        return array.reshape(shape)

    def _bytes(self, count: int, deadline: float | None) -> bytearray:
        content = bytearray(count)
        left = memoryview(content)
        while left:
            if deadline is not None:
                # A limit of 0 would mean not to wait at all, which is another error.
                self._end.settimeout(max(deadline - time.monotonic(), 1e-3))
            try:
                read = self._end.recv_into(left)
            except ConnectionError:
                read = 0
            if read == 0:
                raise EOFError("the other process has ended")
            left = left[read:]
        return content


def _described(name: str, array: Array) -> list[Any]:
    lengths = [[len(element) for element in array.flat]] if array.dtype == object else []
    return [name, array.dtype.name, array.shape, *lengths]
