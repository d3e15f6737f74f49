"""LiteRT: its Python interpreter, and the C++ call that is under it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.contender import Array, Contender
from benchmarks.files import ModelFiles
from benchmarks.timing import PythonCall

INVOKE = "LiteRT Invoke"
PYTHON = "LiteRT set, invoke, get"


def contenders(files: ModelFiles, x: Array, threads: int) -> Iterator[Contender]:
    """The raw `Invoke`; and set, invoke, get."""
    raw, source, target = _interpreter(files, len(x), threads)
    raw.set_tensor(source, x)
    # Held, it makes the interpreter's own `invoke` refuse: the Python contender has another one.
    invoke = raw._interpreter.Invoke

    def raw_answer() -> Array:
        invoke()
        return np.array(raw.get_tensor(target))

    config = f"Interpreter with XNNPACK, fixed batch, num_threads={threads}"
    call = PythonCall(invoke)
    yield Contender(INVOKE, "LiteRT", f"{config}; raw C++ Invoke", "C", call, raw_answer)
    interpreter, _, _ = _interpreter(files, len(x), threads)

    def python() -> Array:
        interpreter.set_tensor(source, x)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    yield Contender(PYTHON, "LiteRT", config, "Python", PythonCall(python), python)


def _interpreter(files: ModelFiles, batch: int, threads: int) -> tuple[Any, int, int]:
    """An interpreter, and the places of its input and its output."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(files.tflite(batch)), num_threads=threads)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    return interpreter, source["index"], target["index"]
