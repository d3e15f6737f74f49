"""Runs a compiled artifact from Python by ctypes: for tests and checks, not for speed."""

from __future__ import annotations

import ctypes
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.bundle.dtypes import TABLE, numpy_dtype
from aios.errors import CorruptBundleError, InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SYMBOL = "aios_compiled_model_v1"
_NAMES = {dtype.compiled: dtype.name for dtype in TABLE}

Array = np.ndarray[Any, np.dtype[Any]]


class TensorSpec(ctypes.Structure):
    """`aios_compiled_tensor_spec`."""

    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("dtype", ctypes.c_int32),
        ("name", ctypes.c_char_p),
        ("rank", ctypes.c_uint64),
        ("dims", ctypes.POINTER(ctypes.c_int64)),
        ("bytes", ctypes.c_uint64),
    ]


_Task = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
_ParallelRun = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, _Task, ctypes.c_void_p)


class Parallel(ctypes.Structure):
    """`aios_compiled_parallel`."""

    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("lanes", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("run", _ParallelRun),
    ]


_Run = ctypes.CFUNCTYPE(
    ctypes.c_int32,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_int64,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.POINTER(Parallel),
)


class Model(ctypes.Structure):
    """`aios_compiled_model`."""

    _fields_ = [
        ("struct_size", ctypes.c_uint32),
        ("abi_version", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
        ("graph_sha256", ctypes.c_char_p),
        ("target", ctypes.c_char_p),
        ("cpu_features", ctypes.c_uint64),
        ("workspace_bytes", ctypes.c_uint64),
        ("weights_bytes", ctypes.c_uint64),
        ("weights_sha256", ctypes.c_char_p),
        ("multiply_adds", ctypes.c_uint64),
        ("input_count", ctypes.c_uint64),
        ("inputs", ctypes.POINTER(ctypes.POINTER(TensorSpec))),
        ("output_count", ctypes.c_uint64),
        ("outputs", ctypes.POINTER(ctypes.POINTER(TensorSpec))),
        ("batch_size_count", ctypes.c_uint64),
        ("batch_sizes", ctypes.POINTER(ctypes.c_int64)),
        ("any_batch", ctypes.c_uint64),
        ("run", _Run),
    ]


def aligned(nbytes: int, alignment: int = 64) -> Array:
    """Returns an array of bytes at an aligned address."""
    raw = np.zeros(nbytes + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + nbytes]


class CompiledModel:
    """A loaded artifact. One caller at a time."""

    def __init__(self, folder: Path) -> None:
        library = ctypes.CDLL(str((folder / "model.so").resolve()))
        self.descriptor = Model.in_dll(library, _SYMBOL)
        content = (folder / "weights.bin").read_bytes()
        if hashlib.sha256(content).hexdigest().encode() != self.descriptor.weights_sha256:
            raise CorruptBundleError(f"{folder / 'weights.bin'}: not the weights of model.so")
        self._weights = aligned(len(content))
        self._weights[:] = np.frombuffer(content, np.uint8)
        self._workspace = aligned(int(self.descriptor.workspace_bytes))
        self.inputs = self._specs(self.descriptor.inputs, self.descriptor.input_count)
        self.outputs = self._specs(self.descriptor.outputs, self.descriptor.output_count)

    @staticmethod
    def _specs(pointers: Any, count: int) -> list[tuple[str, np.dtype[Any], tuple[int, ...]]]:
        specs = [pointers[i].contents for i in range(count)]
        return [
            (s.name.decode(), numpy_dtype(_NAMES[s.dtype]), tuple(s.dims[d] for d in range(s.rank)))
            for s in specs
        ]

    def __call__(self, *arrays: Array) -> list[Array]:
        """Returns the outputs for inputs in the signature's order, of any batch."""
        return self.run(arrays)

    def run(self, arrays: Sequence[Array], parallel: Parallel | None = None) -> list[Array]:
        """Runs one call, optionally with threads.

        Raises:
            InvalidArgumentError: A wrong number of inputs, a dtype or a shape.
        """
        if len(arrays) != len(self.inputs):
            raise InvalidArgumentError(f"expected {len(self.inputs)} inputs, got {len(arrays)}")
        batch = int(arrays[0].shape[0]) if arrays and arrays[0].ndim else 1
        for array, (name, dtype, dims) in zip(arrays, self.inputs, strict=True):
            shape = tuple(batch if d == -1 else d for d in dims)
            if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
                raise InvalidArgumentError(
                    f"input {name!r}: expected contiguous {dtype}{list(shape)}, "
                    f"got {array.dtype}{list(array.shape)}"
                )
        results = [
            np.empty([batch if d == -1 else d for d in dims], dtype)
            for _, dtype, dims in self.outputs
        ]
        workspace = self._workspace
        if parallel is not None:
            workspace = aligned(int(self.descriptor.workspace_bytes) * int(parallel.lanes))
        status = self.descriptor.run(
            _pointers(arrays),
            _pointers(results),
            batch,
            self._weights.ctypes.data,
            workspace.ctypes.data,
            None if parallel is None else ctypes.byref(parallel),
        )
        if status != 0:
            raise InvalidArgumentError(f"the artifact refused batch {batch} with status {status}")
        return results


def _pointers(arrays: Sequence[Array]) -> Any:
    return (ctypes.c_void_p * max(1, len(arrays)))(*(a.ctypes.data for a in arrays))
