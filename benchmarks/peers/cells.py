"""This project's own contenders: a cell from C and from Python, and a bare compiled artifact."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contender import Array, Contender
from benchmarks.files import ModelFiles
from benchmarks.timing import NativeCall, PythonCall

CELL = "cell"
CONTROL = "cell again (control)"
CELL_BOUND = "cell, bound"
BOUND = "bridge, bound"
BOUND_CONTROL = "bridge, bound again (control)"
RUN = "run()"
NEW_ARRAY = "bridge, array → new array"
AUTO = "cell, auto"
TENSORFLOW = "TensorFlow C API (cell)"
#: The contenders that are one engine each.
ENGINES = {
    "compiled": CELL,
    "litert": "cell, litert",
    "openvino": "cell, openvino",
    "tensorflow": TENSORFLOW,
}

_MAX_RANK = 8
_FLOAT32 = 11


class _Options(ctypes.Structure):
    _fields_ = (
        ("struct_size", ctypes.c_uint32),
        ("threads", ctypes.c_int32),
        ("engine", ctypes.c_char_p),
        ("verify", ctypes.c_char_p),
        ("litert_library", ctypes.c_char_p),
        ("openvino_library", ctypes.c_char_p),
        ("tensorflow_library", ctypes.c_char_p),
    )


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("struct_size", ctypes.c_uint32),
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_uint64),
        ("shape", ctypes.c_int64 * _MAX_RANK),
        ("data", ctypes.c_void_p),
    )


class _Error(ctypes.Structure):
    _fields_ = (
        ("struct_size", ctypes.c_uint32),
        ("code", ctypes.c_int32),
        ("message", ctypes.c_char * 512),
    )


class _CompiledModel(ctypes.Structure):
    """`aios_compiled_model` of aios/compiled_model.h."""

    _fields_ = (
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
        ("inputs", ctypes.c_void_p),
        ("output_count", ctypes.c_uint64),
        ("outputs", ctypes.c_void_p),
        ("batch_size_count", ctypes.c_uint64),
        ("batch_sizes", ctypes.c_void_p),
        ("any_batch", ctypes.c_uint64),
        ("run", ctypes.c_void_p),
    )


def contenders(files: ModelFiles, x: Array, threads: int) -> Iterator[Contender]:
    """The compiled engine through the C API, twice for the control, and through Python."""
    cell = cell_from_c(files, x, threads, "compiled")
    yield cell
    yield replace(cell, name=CONTROL)
    yield bound_from_c(files, x, threads, "compiled")
    if threads == 1:
        yield artifact(files, x)
    yield from _from_python(files, x, threads)


def one(files: ModelFiles, x: Array, threads: int, *, engine: str) -> Iterator[Contender]:
    """A cell with another engine, or with "auto", through the C API."""
    yield cell_from_c(files, x, threads, engine)


def cell_from_c(files: ModelFiles, x: Array, threads: int, engine: str) -> Contender:
    """A cell with one engine or "auto", called through `aios_cell_infer` of aios/aios.h."""
    cell = _Cell(files, x, threads, engine)
    call = NativeCall(cell.address("aios_cell_infer"), (cell.handle, *cell.batch, cell.error), cell)
    # The first call of a batch makes `auto` measure and choose.
    call.latencies_us(1, 1)
    config = f"the C API's aios_cell_infer, engine {engine}, caller's buffers"
    program = "TensorFlow" if engine == "tensorflow" else "AIOS"
    answer = _answer(call, cell.target)
    return Contender(ENGINES.get(engine, AUTO), program, config, "C", call, answer, cell.engine())


def bound_from_c(files: ModelFiles, x: Array, threads: int, engine: str) -> Contender:
    """The same with tensors that were bound and checked before: `aios_call_run`."""
    cell = _Cell(files, x, threads, engine)
    call = NativeCall(cell.address("aios_call_run"), (cell.bind(), cell.error), cell)
    config = f"the C API's aios_call_run, engine {engine}, buffers bound before"
    answer = _answer(call, cell.target)
    return Contender(CELL_BOUND, "AIOS", config, "C", call, answer, engine)


class _Cell:
    """A cell of the C API that holds a bundle, and the tensors of one batch.

    Attributes:
        handle: The `aios_cell`'s address.
        batch: Inputs, their count, outputs, their count.
        error: Address of an `aios_error`.
        target: Where the answer is written.
    """

    def __init__(self, files: ModelFiles, x: Array, threads: int, engine: str) -> None:
        import aios
        from aios.bridge.engines import library_paths

        self._library = _c_library()
        self._error = _Error(ctypes.sizeof(_Error))
        self._cell, self._call = ctypes.c_void_p(), ctypes.c_void_p()
        options = _Options(ctypes.sizeof(_Options), threads, engine.encode(), b"quick")
        for name, path in library_paths().items():
            setattr(options, f"{name}_library", path.encode())
        self._ask("aios_cell_create", ctypes.byref(options), ctypes.byref(self._cell))
        self._ask("aios_cell_load", self._cell, str(files.bundle).encode())
        # On 64-byte boundaries, so that no engine has to stage.
        self._source = aios.empty(x.shape)
        self._source[:] = x
        self.target = aios.empty((len(x), *files.reference().shape[1:]))
        self._tensors = [_Tensor(ctypes.sizeof(_Tensor), _FLOAT32, a.ndim, a.shape, a.ctypes.data)
                         for a in (self._source, self.target)]  # fmt: skip
        inputs, outputs = (ctypes.addressof(tensor) for tensor in self._tensors)
        self.handle = self._cell.value or 0
        self.batch = (inputs, 1, outputs, 1)
        self.error = ctypes.addressof(self._error)

    def bind(self) -> int:
        """Binds the tensors; gives the `aios_call`'s address."""
        batch = (ctypes.c_size_t(value) for value in self.batch)
        self._ask("aios_cell_bind", self._cell, *batch, ctypes.byref(self._call))
        return self._call.value or 0

    def engine(self) -> str:
        """The engine of the last call."""
        name = ctypes.create_string_buffer(32)
        self._ask("aios_cell_engine", self._cell, name, ctypes.c_size_t(len(name)))
        return name.value.decode()

    def address(self, function: str) -> int:
        """Of a function of the C API."""
        return ctypes.cast(getattr(self._library, function), ctypes.c_void_p).value or 0

    def _ask(self, function: str, *arguments: Any) -> None:
        if getattr(self._library, function)(*arguments, ctypes.byref(self._error)):
            raise RuntimeError(f"{function}: {self._error.message.decode()}")

    def __del__(self) -> None:
        self._library.aios_call_destroy(self._call)
        self._library.aios_cell_destroy(self._cell)


@functools.lru_cache(maxsize=1)
def _c_library() -> ctypes.CDLL:
    from aios import _core

    library = ctypes.CDLL(str(Path(_core.__file__ or "").parent / "lib/libaios.so"))
    for destroy in (library.aios_cell_destroy, library.aios_call_destroy):
        destroy.restype = None
        destroy.argtypes = [ctypes.c_void_p]
    return library


def artifact(files: ModelFiles, x: Array) -> Contender:
    """The compiled artifact's `run`, as a program without aios calls it."""
    import aios

    folder = files.bundle.resolve() / "compiled/native"
    library = ctypes.CDLL(str(folder / "model.so"))
    model = _CompiledModel.in_dll(library, "aios_compiled_model_v1")
    content = np.fromfile(folder / "weights.bin", np.uint8)
    weights = aios.empty((max(content.size, 1),), np.uint8)
    weights[: content.size] = content
    workspace = aios.empty((max(int(model.workspace_bytes), 1),), np.uint8)
    source = np.ascontiguousarray(x)
    target = aios.empty((len(x), *files.reference().shape[1:]))
    inputs = ctypes.c_void_p(source.ctypes.data)
    outputs = ctypes.c_void_p(target.ctypes.data)
    arguments = (
        ctypes.addressof(inputs),
        ctypes.addressof(outputs),
        len(x),
        weights.ctypes.data,
        workspace.ctypes.data,
        0,
    )
    keep = (library, weights, workspace, source, target, inputs, outputs)
    call = NativeCall(int(model.run), arguments, keep)
    config = "the compiled artifact's own run(), no aios library"
    return Contender(RUN, "AIOS", config, "C", call, _answer(call, target))


def _from_python(files: ModelFiles, x: Array, threads: int) -> Iterator[Contender]:
    import aios

    bridge = aios.load(files.bundle, engine="compiled", threads=threads)
    target = np.empty((len(x), *files.reference().shape[1:]), np.float32)
    bound = bridge.bind(x, out=target)
    calls = {
        NEW_ARRAY: lambda: bridge.perform_inference(x),
        "bridge, array → out=": lambda: bridge.perform_inference(x, out=target),
        BOUND: bound,
        BOUND_CONTROL: bound,
    }
    for name, call in calls.items():

        def answer(call=call, fresh=name == NEW_ARRAY) -> Array:
            found = call()
            return np.array(found if fresh else target)

        yield Contender(name, "AIOS", "engine compiled", "Python", PythonCall(call), answer)


def _answer(call: NativeCall, target: Array):
    def answer() -> Array:
        call.latencies_us(1, 1)
        return target.copy()

    return answer
