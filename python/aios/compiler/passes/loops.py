"""Recognises counted WHILE loops and turns them into SCAN operators.

A SCAN runs its body once per step. The body reads one slice of each sequence and the states, and
gives new states and one slice of each collected result. That is all that a Keras recurrent layer
needs, and nothing in it depends on a counter any more.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aios.compiler.attributes import LoopBodies, Scan
from aios.compiler.graph import Graph, Operator, Rewriter, Tensor
from aios.compiler.passes.clean import remove_dead
from aios.compiler.passes.subgraphs import recognise_writes


def recognise_loops(graph: Graph) -> Graph:
    """Turns every WHILE that counts between constants into a SCAN; leaves the others."""
    rewriter = Rewriter(graph)
    for op in rewriter:
        if op.kind != "WHILE":
            rewriter.emit(op)
            continue
        bodies = op.typed(LoopBodies)
        body = remove_dead(recognise_writes(bodies.body))
        loop = replace(op, attributes=replace(bodies, body=body))
        rewriter.emit(_Loop(rewriter, loop).scan() or loop)
    return rewriter.finish()


class _Loop:
    """Looks at one WHILE."""

    def __init__(self, outer: Rewriter, op: Operator) -> None:
        self._outer = outer
        self._op = op
        bodies = op.typed(LoopBodies)
        self._condition, self._body = bodies.condition, bodies.body
        self._producers = self._body.producers()

    def scan(self) -> Operator | None:
        counters = self._counters()
        trips = self._trips(counters)
        if trips is None or trips < 1:
            return None
        roles = [self._role(place, counters, trips) for place in range(len(self._body.inputs))]
        if "other" in roles:
            return None
        return self._build(counters, trips, roles)

    def _counters(self) -> dict[int, int]:
        """Maps body inputs that grow by 1 each step to their first value."""
        counters: dict[int, int] = {}
        for place, (index, result) in enumerate(
            zip(self._body.inputs, self._body.outputs, strict=True)
        ):
            start = self._outer.tensors[self._op.inputs[place]].data
            op = self._producers.get(result)
            if start is None or start.size != 1 or op is None or op.kind != "ADD":
                continue
            others = [i for i in op.inputs if i != index]
            step = self._body.constant(others[0]) if len(others) == 1 else None
            if step is not None and step.size == 1 and step.dtype.kind == "i" and step.item() == 1:
                counters[index] = int(start.item())
        return counters

    def _trips(self, counters: dict[int, int]) -> int | None:
        """Returns how often the body runs, when the condition only compares counters."""
        producers = self._condition.producers()
        places = {index: place for place, index in enumerate(self._condition.inputs)}

        def bound(index: int) -> int | None:
            op = producers.get(index)
            if op is None:
                return None
            if op.kind == "LOGICAL_AND":
                bounds = [bound(i) for i in op.inputs]
                return None if None in bounds else min(b for b in bounds if b is not None)
            limit = self._condition.constant(op.inputs[1]) if op.kind == "LESS" else None
            if limit is None or limit.size != 1 or op.inputs[0] not in places:
                return None
            start = counters.get(self._body.inputs[places[op.inputs[0]]])
            return None if start is None else int(limit.item()) - start

        return bound(self._condition.outputs[0])

    def _role(self, place: int, counters: dict[int, int], trips: int) -> str:
        index, result = self._body.inputs[place], self._body.outputs[place]
        if index in counters:
            return "counter"
        if index == result:
            readers = self._body.consumers().get(index, [])
            by_step = all(
                op.kind == "GATHER" and op.inputs[0] == index and counters.get(op.inputs[1]) == 0
                for op in readers
            )
            shape = self._body.tensors[index].shape
            return "sequence" if by_step and shape and shape[0] >= trips else "invariant"
        if self._written_slice(index, result, counters) is not None:
            rows = self._body.tensors[index].shape[0]
            return "collected" if rows == trips else "other"
        return "state"

    def _written_slice(self, index: int, result: int, counters: dict[int, int]) -> int | None:
        """Returns v when `result` is `index` with slice number `counter` replaced by v."""
        op = self._producers.get(result)
        if op is None or op.kind != "WRITE_ROW" or op.inputs[0] != index:
            return None
        first = counters.get(op.inputs[2])
        return op.inputs[1] if first == 0 else None

    def _build(self, counters: dict[int, int], trips: int, roles: list[str]) -> Operator | None:
        places = {
            role: [p for p, r in enumerate(roles) if r == role]
            for role in ("sequence", "invariant", "collected", "state")
        }
        own = self._body.inputs
        outputs = [self._body.outputs[p] for p in places["state"]]
        outputs += [self._slice_written(p, counters) for p in places["collected"]]
        body = Rewriter(self._body)
        slices = self._slices(body, places["sequence"])
        step = replace(body.finish(), outputs=tuple(body.current(i) for i in outputs), subgraphs=())
        step = remove_dead(step)
        read = {i for op in step.operators for i in op.inputs} | set(step.outputs)
        used = [index for index in counters if index in read]
        tables = [self._counter_table(counters[index], trips) for index in used]
        rest = (own[p] for p in (*places["state"], *places["invariant"]))
        step = replace(step, inputs=(*slices, *used, *rest))
        given, results = self._op.inputs, self._op.outputs
        for place, index in enumerate(own):
            if index in counters:
                last = np.asarray(counters[index] + trips)
                self._outer.set_constant(results[place], last)
        sequences = [*(given[p] for p in places["sequence"]), *tables]
        states, collected = len(places["state"]), len(places["collected"])
        return Operator(
            "SCAN",
            (*sequences, *(given[p] for p in (*places["state"], *places["invariant"]))),
            tuple(results[p] for p in (*places["state"], *places["collected"])),
            attributes=Scan(trips, step, len(sequences), states, collected),
        )

    def _slice_written(self, place: int, counters: dict[int, int]) -> int:
        value = self._written_slice(self._body.inputs[place], self._body.outputs[place], counters)
        assert value is not None
        return value

    def _counter_table(self, start: int, trips: int) -> int:
        """Adds the values of a counter as a sequence, and returns its index."""
        return self._outer.add_constant(np.arange(start, start + trips, dtype=np.int32), "counter")

    def _slices(self, body: Rewriter, places: list[int]) -> list[int]:
        """Replaces the GATHERs of sequences by slices that the step is given."""
        slices: dict[int, int] = {}
        for place in places:
            tensor = self._body.tensors[self._body.inputs[place]]
            step = Tensor(f"{tensor.name} step", tensor.shape[1:], tensor.dtype)
            slices[self._body.inputs[place]] = body.add_tensor(step)
        for op in body:
            if op.kind == "GATHER" and op.inputs[0] in slices:
                body.rename(op.outputs[0], slices[op.inputs[0]])
            else:
                body.emit(op)
        return list(slices.values())
