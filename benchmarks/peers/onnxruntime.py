"""ONNX Runtime: its C API with bound tensors, and its Python session."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contender import Array, Contender
from benchmarks.files import ModelFiles, package_folder
from benchmarks.timing import NativeCall, PythonCall

#: Places in the table of functions `OrtApi`; new ones are only ever appended to it.
_PLACES = {
    "GetErrorMessage": 2,
    "CreateEnv": 3,
    "CreateSession": 7,
    "CreateSessionOptions": 10,
    "SetSessionGraphOptimizationLevel": 23,
    "SetIntraOpNumThreads": 24,
    "CreateTensorWithDataAsOrtValue": 49,
    "CreateCpuMemoryInfo": 69,
    "ReleaseSession": 95,
    "ReleaseIoBinding": 135,
    "AddSessionConfigEntry": 130,
    "RunWithBinding": 133,
    "CreateIoBinding": 134,
    "BindInput": 136,
    "BindOutput": 137,
}
_API_VERSION = 17
_ALL_OPTIMISATIONS = 99
_WARNINGS = 3
_FLOAT = 1
_SPINNING = "session.intra_op.allow_spinning"


def contenders(files: ModelFiles, x: Array, threads: int) -> Iterator[Contender]:
    """Bound tensors from C; `session.run` from Python."""
    path = files.onnx(len(x))
    session = _python_session(path, threads)
    (source,), (target,) = session.get_inputs(), session.get_outputs()
    feed = {source.name: x}

    def python() -> list[Array]:
        return session.run(None, feed)

    config = f"from ONNX, all graph optimisations, intra_op={threads}, no spinning"
    yield _bound(path, x, threads, source.name, target, f"{config}; C API RunWithBinding")
    call = PythonCall(python)
    yield Contender("ORT run", "ONNX Runtime", config, "Python", call, lambda: python()[0])


def _python_session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _WARNINGS
    options.add_session_config_entry(_SPINNING, "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class _Api:
    """The C API's functions by name, each raising on an error."""

    def __init__(self) -> None:
        folder = package_folder("onnxruntime")
        (path,) = folder.glob("capi/libonnxruntime.so*")
        library = ctypes.CDLL(str(path))
        library.OrtGetApiBase.restype = ctypes.POINTER(ctypes.c_void_p)
        get_api = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_uint32)(
            library.OrtGetApiBase()[0]
        )
        self._table = get_api(_API_VERSION)
        self.env = ctypes.c_void_p()
        self("CreateEnv", _WARNINGS, b"bench", ctypes.byref(self.env))

    def address(self, name: str) -> int:
        return int(self._table[_PLACES[name]] or 0)

    def __call__(self, name: str, *arguments: Any) -> None:
        status = ctypes.CFUNCTYPE(ctypes.c_void_p)(self.address(name))(*arguments)
        if status and not name.startswith("Release"):
            message = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)
            said = message(self.address("GetErrorMessage"))(status)
            raise RuntimeError(f"ONNX Runtime, {name}: {said.decode()}")

    def new(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        self(name, *arguments, ctypes.byref(made))
        return made


@functools.lru_cache(maxsize=1)
def _api() -> _Api:
    return _Api()


def _bound(path: Path, x: Array, threads: int, source: str, target: Any, config: str) -> Contender:
    api = _api()
    options = api.new("CreateSessionOptions")
    api("SetSessionGraphOptimizationLevel", options, _ALL_OPTIMISATIONS)
    api("SetIntraOpNumThreads", options, threads)
    api("AddSessionConfigEntry", options, _SPINNING.encode(), b"0")
    session = api.new("CreateSession", api.env, str(path).encode(), options)
    memory = api.new("CreateCpuMemoryInfo", 0, 0)
    binding = api.new("CreateIoBinding", session)
    inputs, outputs = np.ascontiguousarray(x), np.empty(target.shape, np.float32)

    def tensor(array: Array) -> ctypes.c_void_p:
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        return api.new(
            "CreateTensorWithDataAsOrtValue",
            memory,
            ctypes.c_void_p(array.ctypes.data),
            ctypes.c_size_t(array.nbytes),
            shape,
            ctypes.c_size_t(array.ndim),
            _FLOAT,
        )

    api("BindInput", binding, source.encode(), tensor(inputs))
    api("BindOutput", binding, target.name.encode(), tensor(outputs))
    arguments = (session.value or 0, 0, binding.value or 0)
    owned = _Owned(api, session, binding)
    call = NativeCall(api.address("RunWithBinding"), arguments, (inputs, outputs, owned))

    def answer() -> Array:
        call.latencies_us(1, 1)
        return outputs.copy()

    return Contender("ORT C API", "ONNX Runtime", config, "C", call, answer)


class _Owned:
    """Ends a session with its last user."""

    def __init__(self, api: _Api, session: ctypes.c_void_p, binding: ctypes.c_void_p) -> None:
        self._parts = (api, session, binding)

    def __del__(self) -> None:
        api, session, binding = self._parts
        api("ReleaseIoBinding", binding)
        api("ReleaseSession", session)
