"""Recognises LSTM, GRU and SimpleRNN in the step of a SCAN, and the orders of time around it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.attributes import Cell, Scan
from aios.compiler.graph import MISSING, Array, Graph, Operator, Rewriter, Tensor
from aios.compiler.options import activation_code

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACTIVATIONS = {
    "ELU": "Elu",
    "LOGISTIC": "Sigmoid",
    "RELU": "Relu",
    "RELU6": "Relu6",
    "TANH": "Tanh",
}
_TIME_FIRST = [1, 0, 2]


def fuse_cells(graph: Graph) -> Graph:
    """Replaces the SCANs of Keras's recurrent layers by LSTM, GRU and SIMPLE_RNN."""
    rewriter = Rewriter(graph)
    read = {i for op in graph.operators for i in op.inputs} | set(graph.outputs)
    for op in rewriter:
        fused = _Step(rewriter, op, read).fuse() if op.kind == "SCAN" else None
        if fused is None:
            rewriter.emit(op)
    return rewriter.finish()


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    kind: str
    hidden: int
    hidden_in: int
    memory: int
    memory_in: int
    cell: Cell


class _Step:
    """Looks at the step of one SCAN."""

    def __init__(self, outer: Rewriter, op: Operator, read: set[int]) -> None:
        self._outer = outer
        self._op = op
        self._read = read
        self._scan: Scan = op.typed(Scan)
        self._body = self._scan.body
        self._producers = self._body.producers()

    def fuse(self) -> Operator | None:
        """Emits the fused operator and what connects it, or returns None and emits nothing."""
        if self._scan.sequences != 1 or self._scan.collected > 1:
            return None
        for match in self._matches():
            roles = self._roles(match)
            if roles is not None:
                return self._emit(match, roles)
        return None

    def _matches(self) -> Iterator[_Match]:
        scan, body = self._scan, self._body
        state_inputs = body.inputs[scan.sequences : scan.sequences + scan.states]
        pairs = list(zip(state_inputs, body.outputs, strict=False))
        for hidden_in, out in pairs:
            hidden = self._stripped(out)
            for find in (self._simple_rnn, self._gru):
                found = find(hidden, hidden_in)
                if found is not None:
                    yield found
            for memory_in, memory_out in pairs:
                found = self._lstm(hidden, hidden_in, self._stripped(memory_out), memory_in)
                if found is not None:
                    yield found

    def _roles(self, match: _Match) -> list[str] | None:
        """Says of each output of the SCAN whether it is h, c, a sequence of h, or unread."""
        roles: list[str] = []
        for place, (result, value) in enumerate(
            zip(self._op.outputs, self._body.outputs, strict=True)
        ):
            stripped = self._stripped(value)
            if result not in self._read:
                roles.append("")
            elif place >= self._scan.states and stripped == match.hidden:
                roles.append("sequence")
            elif place < self._scan.states and stripped in (match.hidden, match.memory):
                roles.append("h" if stripped == match.hidden else "c")
            else:
                return None
        return roles

    def _emit(self, match: _Match, roles: list[str]) -> Operator:
        inputs = dict(zip(self._body.inputs, self._op.inputs, strict=True))
        source = inputs[self._body.inputs[0]]
        states = [inputs[match.hidden_in]]
        if match.memory != MISSING:
            states.append(inputs[match.memory_in])
        given = [MISSING if self._is_zero(s) else s for s in states]
        batch = self._body.tensors[match.hidden_in].shape[0]
        units, steps = match.cell.units, self._scan.trips
        sequence = "sequence" in roles
        wanted = [r for r in ("h", "c") if r in roles]
        ends = tuple(r for r in wanted if sequence or r == "c")
        tensors: dict[str, int] = {end: self._add((batch, units)) for end in ends}
        main = self._add((steps, batch, units) if sequence else (batch, units))
        tensors["sequence" if sequence else "h"] = main
        cell = replace(match.cell, ends=ends, sequence="kAll" if sequence else "kLast")
        outputs = (main, *(tensors[end] for end in ends))
        fused = Operator(match.kind, (source, *given), outputs, attributes=cell)
        self._outer.emit(fused)
        for role, result in zip(roles, self._op.outputs, strict=True):
            if role:
                self._outer.emit(Operator("RESHAPE", (tensors[role],), (result,)))
        return fused

    def _add(self, shape: tuple[int, ...]) -> int:
        return self._outer.add_tensor(Tensor("recurrent", shape, np.dtype(np.float32)))

    def _is_zero(self, index: int) -> bool:
        data = self._outer.tensors[index].data
        return data is not None and not data.any()

    def _lstm(self, hidden: int, hidden_in: int, memory: int, memory_in: int) -> _Match | None:
        """Matches h = o · act(c), c = f · c' + i · act(g), i, f, g, o parts of one sum."""
        for gate_o, squashed in self._binary(hidden, "MUL"):
            act = self._producers.get(squashed)
            if act is None or act.kind not in _ACTIVATIONS or act.inputs[0] != memory:
                continue
            for kept, added in self._binary(memory, "ADD"):
                for gate_f, old in self._binary(kept, "MUL"):
                    if old != memory_in:
                        continue
                    for gate_i, new in self._binary(added, "MUL"):
                        gates = (gate_i, gate_f, new, gate_o)
                        kinds = ("LOGISTIC", "LOGISTIC", act.kind, "LOGISTIC")
                        cell = self._gated(gates, kinds, hidden_in)
                        if cell is not None:
                            found = replace(cell, activation=_ACTIVATIONS[act.kind])
                            return _Match("LSTM", hidden, hidden_in, memory, memory_in, found)
        return None

    def _gated(self, gates: tuple[int, ...], kinds: tuple[str, ...], hidden_in: int) -> Cell | None:
        """Returns the weights of gates that are parts of one sum of products."""
        parts = []
        for gate, kind in zip(gates, kinds, strict=True):
            op = self._producers.get(gate)
            part = self._part(op.inputs[0]) if op is not None and op.kind == kind else None
            if part is None:
                return None
            parts.append(part)
        if len({whole for whole, _ in parts}) != 1 or len({p for _, p in parts}) != len(parts):
            return None
        summed = self._sum(parts[0][0], hidden_in)
        if summed is None:
            return None
        kernel, recurrent, bias = summed
        order = [p for _, p in parts]
        reorder = [self._reordered(a, order) for a in (kernel, recurrent, bias)]
        return Cell(reorder[0], reorder[1], reorder[2], None, "Tanh", self._scan.trips)

    def _gru(self, hidden: int, hidden_in: int) -> _Match | None:
        """Matches h = z · h' + (1 - z) · act(x_h + r · (R h' + b)): reset_after=True."""
        for left, right in self._binary(hidden, "ADD"):
            for gate, old in self._binary(left, "MUL"):
                if old != hidden_in:
                    continue
                for rest, candidate in self._binary(right, "MUL"):
                    if self._one_minus(rest) != gate:
                        continue
                    cell = self._gru_gates(gate, candidate, hidden_in)
                    if cell is not None:
                        return _Match("GRU", hidden, hidden_in, MISSING, MISSING, cell)
        return None

    def _one_minus(self, index: int) -> int | None:
        op = self._producers.get(index)
        if op is None or op.kind != "SUB":
            return None
        one = self._body.constant(op.inputs[0])
        return op.inputs[1] if one is not None and bool((one == 1).all()) else None

    def _gru_gates(self, gate: int, candidate: int, hidden_in: int) -> Cell | None:
        update, act = self._producers.get(gate), self._producers.get(candidate)
        if update is None or update.kind != "LOGISTIC" or act is None:
            return None
        if act.kind not in _ACTIVATIONS:
            return None
        for x_h, reset_part in self._binary(act.inputs[0], "ADD"):
            for reset, r_h in self._binary(reset_part, "MUL"):
                made = self._producers.get(reset)
                if made is None or made.kind != "LOGISTIC":
                    continue
                for x_z, r_z in self._binary(update.inputs[0], "ADD"):
                    for x_r, r_r in self._binary(made.inputs[0], "ADD"):
                        cell = self._gru_weights((x_z, x_r, x_h), (r_z, r_r, r_h), hidden_in)
                        if cell is not None:
                            return replace(cell, activation=_ACTIVATIONS[act.kind])
        return None

    def _gru_weights(
        self, of_input: tuple[int, ...], of_state: tuple[int, ...], hidden_in: int
    ) -> Cell | None:
        sides = []
        for parts, source in ((of_input, self._body.inputs[0]), (of_state, hidden_in)):
            found = [self._part(p) for p in parts]
            known = [f for f in found if f is not None]
            if len(known) != 3 or len({whole for whole, _ in known}) != 1:
                return None
            product = self._product(known[0][0], source)
            if product is None:
                return None
            order = [p for _, p in known]
            if sorted(order) != [0, 1, 2]:
                return None
            sides.append([self._reordered(a, order) for a in product])
        (kernel, bias), (recurrent, recurrent_bias) = sides
        return Cell(kernel, recurrent, bias, recurrent_bias, "Tanh", self._scan.trips)

    def _simple_rnn(self, hidden: int, hidden_in: int) -> _Match | None:
        """Matches h = act(W x + R h' + b)."""
        act = self._producers.get(hidden)
        if act is None or act.kind not in _ACTIVATIONS:
            return None
        summed = self._sum(act.inputs[0], hidden_in)
        if summed is None:
            return None
        cell = Cell(*summed, None, _ACTIVATIONS[act.kind], self._scan.trips)
        return _Match("SIMPLE_RNN", hidden, hidden_in, MISSING, MISSING, cell)

    def _sum(self, index: int, hidden_in: int) -> tuple[Array, Array, Array] | None:
        """Returns (W, R, b) when a tensor is W x + R h' + b, in any order of addition."""
        kernel = recurrent = None
        bias = np.zeros(1, np.float32)
        for term in self._terms(index):
            constant = self._body.constant(term)
            of_input = self._product(term, self._body.inputs[0])
            of_state = self._product(term, hidden_in)
            if constant is not None and (not constant.shape or constant.size == constant.shape[-1]):
                bias = bias + constant.reshape(-1)
            elif of_input is not None and kernel is None:
                kernel, bias = of_input[0], bias + of_input[1]
            elif of_state is not None and recurrent is None:
                recurrent, bias = of_state[0], bias + of_state[1]
            else:
                return None
        if kernel is None or recurrent is None:
            return None
        return kernel, recurrent, np.broadcast_to(bias, kernel.shape[:1]).astype(np.float32)

    def _terms(self, index: int) -> Iterator[int]:
        op = self._producers.get(self._stripped(index))
        if op is not None and op.kind == "ADD" and self._plain(op):
            for operand in op.inputs:
                yield from self._terms(operand)
        else:
            yield self._stripped(index)

    def _product(self, index: int, source: int) -> tuple[Array, Array] | None:
        """Returns weights and bias when a tensor is a dense layer of `source`."""
        op = self._producers.get(self._stripped(index))
        if op is None or op.kind != "FULLY_CONNECTED" or not self._plain(op):
            return None
        if self._stripped(op.inputs[0]) != source:
            return None
        weights = self._body.constant(op.inputs[1])
        bias = self._body.constant(op.inputs[2]) if len(op.inputs) > 2 else None
        if weights is None:
            return None
        return weights, np.zeros(weights.shape[0], np.float32) if bias is None else bias

    def _part(self, index: int) -> tuple[int, int] | None:
        """Returns (whole, number) when a tensor is one of the equal parts of a last axis."""
        op = self._producers.get(index)
        if op is None:
            return None
        if op.kind == "SPLIT":
            return op.inputs[1], op.outputs.index(index)
        if op.kind != "STRIDED_SLICE":
            return None
        whole, part = self._body.tensors[op.inputs[0]].shape, self._body.tensors[index].shape
        begin, step = (self._body.constant(op.inputs[i]) for i in (1, 3))
        if begin is None or step is None or (step != 1).any() or whole[:-1] != part[:-1]:
            return None
        last = len(whole) - 1
        first = 0 if op["begin_mask"] & (1 << last) else int(begin[last])
        return (op.inputs[0], first // part[-1]) if first % part[-1] == 0 else None

    @staticmethod
    def _reordered(array: Array, order: list[int]) -> Array:
        parts = np.split(array, len(order), axis=0)
        return np.concatenate([parts[p] for p in order], axis=0)

    def _binary(self, index: int, kind: str) -> Iterator[tuple[int, int]]:
        op = self._producers.get(index)
        if op is not None and op.kind == kind and self._plain(op):
            yield op.inputs[0], op.inputs[1]
            yield op.inputs[1], op.inputs[0]

    def _stripped(self, index: int) -> int:
        while index in self._producers and self._producers[index].kind == "RESHAPE":
            index = self._producers[index].inputs[0]
        return index

    @staticmethod
    def _plain(op: Operator) -> bool:
        return not activation_code(op)


def absorb_orders(graph: Graph) -> Graph:
    """Lets a cell read and write the order of time that is at hand.

    Transposes between [batch, steps, …] and [steps, batch, …] and reversals of time next to a cell
    become its attributes. At batch 1 the converter writes such a transpose as a RESHAPE, and the
    two orders are the same memory.
    """
    while True:
        changed = _absorb_once(graph)
        if changed is None:
            return graph
        graph = changed


def _absorb_once(graph: Graph) -> Graph | None:
    producers, consumers = graph.producers(), graph.consumers()
    for op in graph.operators:
        cell = op.attributes
        if not isinstance(cell, Cell):
            continue
        changed = _absorb_input(graph, producers, op, cell)
        if changed is not None:
            return graph.with_operators(changed if o is op else o for o in graph.operators)
        readers = consumers.get(op.outputs[0], [])
        if cell.sequence == "kLast" or len(readers) != 1 or op.outputs[0] in graph.outputs:
            continue
        absorbed = _absorb_output(graph, op, cell, readers[0])
        if absorbed is not None:
            kept = (o for o in graph.operators if o is not readers[0])
            return graph.with_operators(absorbed if o is op else o for o in kept)
    return None


def _absorb_input(
    graph: Graph, producers: dict[int, Operator], op: Operator, cell: Cell
) -> Operator | None:
    source = producers.get(op.inputs[0])
    if source is None:
        return None
    axis = 0 if cell.time_major else 1
    if _reverses(graph, source, axis):
        new = replace(cell, backwards=not cell.backwards)
    elif _swaps(graph, source):
        new = replace(cell, time_major=not cell.time_major)
    else:
        return None
    inputs = (source.inputs[0], *op.inputs[1:])
    return replace(op, inputs=inputs, attributes=new)


def _absorb_output(graph: Graph, op: Operator, cell: Cell, reader: Operator) -> Operator | None:
    axis = 0 if cell.y_time_major else 1
    if _reverses(graph, reader, axis):
        new = replace(cell, sequence="kReversed" if cell.sequence == "kAll" else "kAll")
    elif _swaps(graph, reader):
        new = replace(cell, y_time_major=not cell.y_time_major)
    elif reader.kind == "RESHAPE" and _same_order(graph, op.outputs[0], reader.outputs[0]):
        new = cell
    else:
        return None
    return replace(op, outputs=(reader.outputs[0], *op.outputs[1:]), attributes=new)


def _same_order(graph: Graph, before: int, after: int) -> bool:
    return graph.tensors[before].shape == graph.tensors[after].shape


def _reverses(graph: Graph, op: Operator, axis: int) -> bool:
    axes = graph.constant(op.inputs[1]) if op.kind == "REVERSE_V2" else None
    return axes is not None and [int(a) % 3 for a in axes.reshape(-1)] == [axis]


def _swaps(graph: Graph, op: Operator) -> bool:
    before, after = graph.tensors[op.inputs[0]].shape, graph.tensors[op.outputs[0]].shape
    if op.kind == "TRANSPOSE":
        order = graph.constant(op.inputs[1])
        return order is not None and order.tolist() == _TIME_FIRST
    return (
        op.kind == "RESHAPE"
        and len(before) == 3
        and 1 in before[:2]
        and after == (before[1], before[0], before[2])
    )
