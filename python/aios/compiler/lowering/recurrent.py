"""LSTM, GRU and SIMPLE_RNN: whole layers in one call."""

from __future__ import annotations

from aios.compiler.attributes import Cell
from aios.compiler.graph import MISSING, Array, Operator
from aios.compiler.lowering.core import Lowerer, lowers, require_float32, summary
from aios.compiler.packing import pack_gru, pack_lstm, pack_simple_rnn, pad_to_lanes
from aios.compiler.program import Literal, Operand, Packed, Scratch, Value, Work

_GATES = {"LSTM": 4, "GRU": 3, "SIMPLE_RNN": 1}
_FUNCTIONS = {"LSTM": "lstm", "GRU": "gru", "SIMPLE_RNN": "simpleRnn"}
_MEMORIES = {"LSTM": ("h", "c"), "GRU": ("h",), "SIMPLE_RNN": ("h",)}


@lowers(*_GATES)
def recurrent(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a recurrent layer with its initial and final states."""
    require_float32(lowerer, op)
    cell = op.typed(Cell)
    shape = lowerer.tensor(op.inputs[0]).shape
    batch = shape[1] if cell.time_major else shape[0]
    gates, lanes = _GATES[op.kind], lowerer.machine.lanes
    padded = pad_to_lanes(cell.units, lanes)
    scratch = batch * padded * (cell.steps * gates + 4) * 4
    depth = cell.units + shape[2]
    count = batch * cell.steps * gates * cell.units * depth
    lowerer.work = lowerer.work.plus(Work(recurrent=count))
    shape_type = _shape(cell, batch, shape[2])
    arguments = [shape_type]
    if cell.activation != "Tanh":
        arguments += ["HalvedSigmoid"] if op.kind != "SIMPLE_RNN" else []
        arguments.append(cell.activation)
    given = [_optional(i) for i in op.inputs[1:]]
    by_name = dict(zip(cell.ends, op.outputs[1:], strict=True))
    ends = [_optional(by_name.get(name, MISSING)) for name in _MEMORIES[op.kind]]
    given += [Literal("nullptr")] * (len(ends) - len(given))
    lowerer.call(
        f"{_FUNCTIONS[op.kind]}<{', '.join(arguments)}>",
        [op.inputs[0], *(Packed(a) for a in _packed(op.kind, cell, lanes))],
        [op.outputs[0], Scratch(scratch, f"kRecurrentScratch<{shape_type}, {gates}>")],
        comment=summary(lowerer, op),
        header="recurrent.hpp",
        tail=given,
        ends=ends,
    )


def _optional(index: int) -> Operand:
    return Literal("nullptr") if index == MISSING else Value(index)


def _shape(cell: Cell, batch: int, inputs: int) -> str:
    orders = [
        "Order::kTimeMajor" if t else "Order::kBatchMajor"
        for t in (cell.time_major, cell.y_time_major and cell.sequence != "kLast")
    ]
    words = [f"Sequence::{cell.sequence}", str(cell.backwards).lower(), *orders]
    return f"RecurrentShape<{batch}, {cell.steps}, {inputs}, {cell.units}, {', '.join(words)}>"


def _packed(kind: str, cell: Cell, lanes: int) -> tuple[Array, Array]:
    if kind == "LSTM":
        return pack_lstm(cell.kernel, cell.recurrent, cell.bias, lanes=lanes)
    if kind == "GRU":
        return pack_gru(cell.kernel, cell.recurrent, cell.bias, cell.recurrent_bias, lanes=lanes)
    return pack_simple_rnn(cell.kernel, cell.recurrent, cell.bias, lanes=lanes)
