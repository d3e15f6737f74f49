"""This project's own contenders: a cell from C and from Python, and a bare compiled artifact."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.contender import Array, Contender
from benchmarks.files import ModelFiles
from benchmarks.timing import NativeCall, PythonCall

CELL = "cell"
CONTROL = "cell again (control)"
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
    if threads == 1:
        yield artifact(files, x)
    yield from _from_python(files, x, threads)


def one(files: ModelFiles, x: Array, threads: int, *, engine: str) -> Iterator[Contender]:
    """A cell with another engine, or with "auto", through the C API."""
    yield cell_from_c(files, x, threads, engine)


def cell_from_c(files: ModelFiles, x: Array, threads: int, engine: str) -> Contender:
    """A cell with one engine or "auto", called through `aios_cell_infer` of aios/aios.h."""
    import aios
    from aios.bridge.engines import library_paths

    library = _c_library()
    error = _Error(ctypes.sizeof(_Error))
    options = _Options(ctypes.sizeof(_Options), threads, engine.encode(), b"quick")
    for name, path in library_paths().items():
        setattr(options, f"{name}_library", path.encode())
    cell = ctypes.c_void_p()
    made = library.aios_cell_create(ctypes.byref(options), ctypes.byref(cell), ctypes.byref(error))
    path = str(files.bundle).encode()
    if made or library.aios_cell_load(cell, path, ctypes.byref(error)):
        raise RuntimeError(f"{engine}: {error.message.decode()}")
    # On 64-byte boundaries, so that no engine has to stage.
    source = aios.empty(x.shape)
    source[:] = x
    target = aios.empty((len(x), *files.reference().shape[1:]))
    tensors = [_Tensor(ctypes.sizeof(_Tensor), _FLOAT32, a.ndim, a.shape, a.ctypes.data)
               for a in (source, target)]  # fmt: skip
    inputs, outputs = (ctypes.addressof(tensor) for tensor in tensors)
    function = ctypes.cast(library.aios_cell_infer, ctypes.c_void_p).value or 0
    arguments = (cell.value or 0, inputs, 1, outputs, 1, ctypes.addressof(error))
    keep = (_Owned(library, cell), tensors, source, target, error)
    call = NativeCall(function, arguments, keep)
    # The first call of a batch makes `auto` measure and choose.
    call.latencies_us(1, 1)
    taken = ctypes.create_string_buffer(32)
    library.aios_cell_engine(cell, taken, ctypes.c_size_t(len(taken)), None)
    config = f"the C API's aios_cell_infer, engine {engine}, caller's buffers"
    program = "TensorFlow" if engine == "tensorflow" else "AIOS"
    name = ENGINES.get(engine, AUTO)
    answer = _answer(call, target)
    return Contender(name, program, config, "C", call, answer, taken.value.decode())


class _Owned:
    """Ends a cell with its last user."""

    def __init__(self, library: ctypes.CDLL, cell: ctypes.c_void_p) -> None:
        self._library, self._cell = library, cell

    def __del__(self) -> None:
        self._library.aios_cell_destroy(self._cell)


@functools.lru_cache(maxsize=1)
def _c_library() -> ctypes.CDLL:
    from aios import _core

    library = ctypes.CDLL(str(Path(_core.__file__ or "").parent / "lib/libaios.so"))
    library.aios_cell_destroy.restype = None
    library.aios_cell_destroy.argtypes = [ctypes.c_void_p]
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
