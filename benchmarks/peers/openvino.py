"""OpenVINO at float32: its C API in two configurations, and its Python request."""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.contender import Array, Contender
from benchmarks.files import ModelFiles, package_folder
from benchmarks.timing import NativeCall, Plan, PythonCall, interleaved

#: How long the choice of a source takes at most, unless calls are long.
_TRIAL = Plan(rounds=3, round_s=0.02, budget_s=1.0)
EXCLUSIVE = {"EXCLUSIVE_ASYNC_REQUESTS": "YES"}


def contenders(files: ModelFiles, x: Array, threads: int) -> Iterator[Contender]:
    """LATENCY, the same with EXCLUSIVE_ASYNC_REQUESTS, and a Python request."""
    shape = (len(x), *files.reference().shape[1:])
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": str(threads),
    }
    with _affinity(threads):
        path, latency = _faster_source(files, x, shape, settings)
        exclusive = _request(path, x, shape, settings | EXCLUSIVE, "OpenVINO EXCLUSIVE")
        python = _python(path, x, settings | EXCLUSIVE)
    yield from (latency, exclusive, python)


def _faster_source(
    files: ModelFiles, x: Array, shape: tuple[int, ...], settings: dict[str, str]
) -> tuple[Path, Contender]:
    """The same model from ONNX and from .tflite runs at different speeds: a short trial decides."""
    found: dict[Path, Contender] = {}
    for path in (files.onnx(len(x)), files.tflite(len(x))):
        try:
            found[path] = _request(path, x, shape, settings, "OpenVINO LATENCY")
        except RuntimeError:
            if path.suffix == ".tflite" and not found:
                raise
    calls = {str(path): contender.call for path, contender in found.items()}
    timings, _ = interleaved(calls, None, _TRIAL)
    fastest = min(found, key=lambda path: timings[str(path)].p50_us)
    return fastest, found[fastest]


class _affinity:  # noqa: N801
    """Lets OpenVINO see only some processors: in its exclusive mode it uses all that it sees.

    Its thread library looks once in a process, at the first use.
    """

    def __init__(self, count: int) -> None:
        self._all = os.sched_getaffinity(0)
        self._some = set(sorted(self._all)[:count])

    def __enter__(self) -> None:
        os.sched_setaffinity(0, self._some)

    def __exit__(self, *_: object) -> None:
        os.sched_setaffinity(0, self._all)


@functools.lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    folder = package_folder("openvino")
    (path,) = folder.glob("libs/libopenvino_c.so*")
    return ctypes.CDLL(str(path))


class _Compiled:
    """A compiled model with one request."""

    def __init__(self, path: Path, settings: dict[str, str]) -> None:
        self.library = _library()
        self._core, self._model = ctypes.c_void_p(), ctypes.c_void_p()
        self._compiled, self.request = ctypes.c_void_p(), ctypes.c_void_p()
        self._ask("ov_core_create", ctypes.byref(self._core))
        self._ask("ov_core_read_model", self._core, str(path).encode(), None,
                  ctypes.byref(self._model))  # fmt: skip
        pairs = [text.encode() for pair in settings.items() for text in pair]
        size = ctypes.c_size_t(len(pairs))
        self._ask("ov_core_compile_model", self._core, self._model, b"CPU", size,
                  ctypes.byref(self._compiled), *pairs)  # fmt: skip
        self._ask("ov_compiled_model_create_infer_request", self._compiled,
                  ctypes.byref(self.request))  # fmt: skip

    def tensor(self, kind: str, shape: tuple[int, ...]) -> Array:
        """The request's own input or output, as an array over its memory."""
        tensor, memory = ctypes.c_void_p(), ctypes.c_void_p()
        self._ask(f"ov_infer_request_get_{kind}_tensor", self.request, ctypes.byref(tensor))
        self._ask("ov_tensor_data", tensor, ctypes.byref(memory))
        floats = ctypes.cast(memory, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(floats, shape)

    def _ask(self, function: str, *arguments: object) -> None:
        status = getattr(self.library, function)(*arguments)
        if status:
            said = self.library.ov_get_last_err_msg
            said.restype = ctypes.c_char_p
            raise RuntimeError(f"OpenVINO, {function}: status {status}: {said()!r}")

    def __del__(self) -> None:
        self.library.ov_infer_request_free(self.request)
        self.library.ov_compiled_model_free(self._compiled)
        self.library.ov_model_free(self._model)
        self.library.ov_core_free(self._core)


def _request(
    path: Path, x: Array, shape: tuple[int, ...], settings: dict[str, str], name: str
) -> Contender:
    compiled = _Compiled(path, settings)
    compiled.tensor("input", x.shape)[:] = x
    target = compiled.tensor("output", shape)
    function = ctypes.cast(compiled.library.ov_infer_request_infer, ctypes.c_void_p).value or 0
    call = NativeCall(function, (compiled.request.value or 0,), compiled)

    def answer() -> Array:
        call.latencies_us(1, 1)
        return target.copy()

    config = f"from {path.suffix}, {_words(settings)}; C API"
    return Contender(name, "OpenVINO", config, "C", call, answer)


def _python(path: Path, x: Array, settings: dict[str, str]) -> Contender:
    import openvino

    request = openvino.Core().compile_model(str(path), "CPU", settings).create_infer_request()
    target = request.get_output_tensor()

    def python() -> Array:
        request.set_input_tensor(openvino.Tensor(x, shared_memory=True))
        request.infer()
        return np.array(target.data)

    config = (
        f"from {path.suffix}, {_words(settings)}; set_input_tensor, infer, a copy of the output"
    )
    return Contender("OpenVINO infer", "OpenVINO", config, "Python", PythonCall(python), python)


def _words(settings: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in settings.items())
