"""What the bridge adds to a call, and its engines against the same runtimes called from Python.

Run: .venv/bin/python -m benchmarks.bridge

The overhead of a call from Python is its median less the median of the same call through the C API
of the same engine in the same run: perform_inference less aios_cell_infer, which both check the
tensors, and a bound call less aios_call_run, which both don't. All take turns with a program that
is timed against itself: where that is outside 0.97–1.03, a verdict is void.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.contender import Array
from benchmarks.files import ModelFiles, prepare
from benchmarks.peers import cells
from benchmarks.timing import CONTROL_BAND, Call, Plan, Statement, interleaved
from benchmarks.zoo import ZOO

PLAN = Plan(rounds=15, round_s=0.02, budget_s=10.0)
#: What is timed against itself in each group, and what the others are compared with.
NOTHING = "nanobind call without arguments"
INTERPRETER = "LiteRT's Python interpreter: set, invoke, get"
SIGNATURE = "TensorFlow's Python: the SavedModel's signature"
AGAIN = "the same again (control)"
C_CALL = "C API, aios_cell_infer"
C_BOUND = "C API, aios_call_run"
NEW_ARRAY = "bridge, array → new array"
OUT = "bridge, array → out="
BOUND = "bridge, bound"
BARE = "bridge, array → new array, on a bare SavedModel"
#: The call through the C API that does the same work.
_IN_C = {NEW_ARRAY: C_CALL, OUT: C_CALL, BOUND: C_BOUND}
_PERFORM = "y = bridge.perform_inference(x)"


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure, and what it must be.

    Attributes:
        limit: At most where `is_ceiling`, else at least.
        control: A program's time ÷ its own in the same turns.
    """

    what: str
    figure: float
    limit: float
    is_ceiling: bool
    control: float

    @property
    def verdict(self) -> str:
        """ "met", "not met", or "void" where the control missed its band."""
        if not CONTROL_BAND[0] <= self.control <= CONTROL_BAND[1]:
            return "void"
        met = self.figure <= self.limit if self.is_ceiling else self.figure >= self.limit
        return "met" if met else "not met"


def main() -> None:
    """Prints a table of times per engine, and one of bars."""
    warnings.simplefilter("ignore")
    files = prepare(ZOO[0], lambda text: print(text, file=sys.stderr))
    x = np.ascontiguousarray(files.inputs()[:1])
    console = Console(width=110)
    bars = Table("bar", "measured", "asked", "control", "verdict")
    for measure in (_overhead, _litert, _tensorflow):
        for bar in measure(files, x, console):
            sign = "≤" if bar.is_ceiling else "≥"
            bars.add_row(bar.what, f"{bar.figure:.2f}×", f"{sign} {bar.limit:g}×",
                         f"{bar.control:.3f}", bar.verdict)  # fmt: skip
    console.print(bars)


def _overhead(files: ModelFiles, x: Array, console: Console) -> Iterator[Bar]:
    from aios import _core

    nothing = Statement("nothing()", {"nothing": _core.nothing})
    numpy = {"empty": np.empty, "kind": np.float32}
    calls = {
        NOTHING: nothing,
        AGAIN: nothing,
        "np.empty of the answer's shape": Statement("empty((1, 3), kind)", numpy),
        "the artifact's bare run()": cells.artifact(files, x).call,
        C_CALL: cells.cell_from_c(files, x, 1, "compiled").call,
        C_BOUND: cells.bound_from_c(files, x, 1, "compiled").call,
        **_bridge_calls(files, x, "compiled"),
    }
    times, control = _timed(calls, NOTHING)
    beyond = {name: times[name] - times[in_c] for name, in_c in _IN_C.items()}
    table = _table("compiled", "beyond the C API", "÷ nanobind call")
    for name, time_us in times.items():
        shown = (beyond[name], beyond[name] / times[NOTHING]) if name in beyond else ()
        table.add_row(name, f"{time_us:.3f}", *(f"{figure:+.3f}" for figure in shown))
    console.print(table)
    for name, limit in ((NEW_ARRAY, 5.0), (BOUND, 2.5)):
        what = f"{name}: beyond the C API ÷ nanobind call"
        yield Bar(what, beyond[name] / times[NOTHING], limit, True, control)


def _litert(files: ModelFiles, x: Array, console: Console) -> Iterator[Bar]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(files.bundle / "litert/dynamic.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    names = {
        "run": interpreter,
        "source": interpreter.get_input_details()[0]["index"],
        "target": interpreter.get_output_details()[0]["index"],
        "x": x,
    }
    code = "run.set_tensor(source, x); run.invoke(); y = run.get_tensor(target)"
    peer = _right(code, names, files)
    calls = {
        INTERPRETER: peer,
        AGAIN: peer,
        C_CALL: cells.cell_from_c(files, x, 1, "litert").call,
        **_bridge_calls(files, x, "litert"),
    }
    times, control = _timed(calls, INTERPRETER)
    console.print(_against(INTERPRETER, "litert", times))
    what = "litert, array → new array, against its Python interpreter"
    yield Bar(what, times[INTERPRETER] / times[NEW_ARRAY], 1.0, False, control)


def _tensorflow(files: ModelFiles, x: Array, console: Console) -> Iterator[Bar]:
    import tensorflow as tf

    import aios

    saved = files.bundle / "saved_model"
    loaded = tf.saved_model.load(str(saved))
    signature = loaded.signatures["serving_default"]
    (source,) = signature.structured_input_signature[1]
    (target,) = signature.structured_outputs

    names = {"signature": signature, "tf": tf, "x": x, "target": target}
    peer = _right(f"y = signature({source}=tf.constant(x))[target].numpy()", names, files)
    with aios.load(saved, engine="tensorflow") as bare:
        calls = {
            SIGNATURE: peer,
            AGAIN: peer,
            BARE: _right(_PERFORM, {"bridge": bare, "x": x}, files),
            C_CALL: cells.cell_from_c(files, x, 1, "tensorflow").call,
            **_bridge_calls(files, x, "tensorflow"),
        }
        times, control = _timed(calls, SIGNATURE)
    console.print(_against(SIGNATURE, "tensorflow (a frozen graph unless said)", times))
    for name, what, limit in ((BARE, "SavedModel", 10.0), (NEW_ARRAY, "frozen", 30.0)):
        said = f"tensorflow, {what}, array → new array, against its signature"
        yield Bar(said, times[SIGNATURE] / times[name], limit, False, control)


def _bridge_calls(files: ModelFiles, x: Array, engine: str) -> dict[str, Call]:
    import aios

    bridge = aios.load(files.bundle, engine=engine)
    out = np.empty((1, *files.reference().shape[1:]), np.float32)
    names = {"bridge": bridge, "x": x, "out": out, "bound": bridge.bind(x, out=out)}
    codes = {
        NEW_ARRAY: _PERFORM,
        OUT: "y = bridge.perform_inference(x, out=out)",
        BOUND: "y = bound()",
    }
    return {name: _right(code, names, files) for name, code in codes.items()}


def _right(code: str, names: dict[str, Any], files: ModelFiles) -> Statement:
    """The statement, once it was found to give Keras's answer in `y`."""
    after = dict(names)
    exec(code, after)
    np.testing.assert_allclose(after["y"], files.reference()[:1], rtol=1e-4)
    return Statement(code, names)


def _timed(calls: Mapping[str, Call], control: str) -> tuple[dict[str, float], float]:
    timings, ratio = interleaved(calls, (control, AGAIN), PLAN)
    return {name: timing.p50_us for name, timing in timings.items()}, ratio


def _table(engine: str, *columns: str) -> Table:
    return Table(f"MLP 10-64-32-3, batch 1, 1 thread: {engine}", "µs", *columns)


def _against(peer: str, engine: str, times: Mapping[str, float]) -> Table:
    table = _table(engine, "the first ÷ this")
    for name, time_us in times.items():
        table.add_row(name, f"{time_us:.3f}", f"{times[peer] / time_us:.2f}")
    return table


if __name__ == "__main__":
    main()
