"""Where the planner puts what, and what it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from aios.compiler.graph import Graph, Tensor
from aios.compiler.planner import plan
from aios.compiler.program import Call, Loop, Program, Scratch, Value

FLOAT = np.dtype(np.float32)


def _tensors(*sizes: int) -> tuple[Tensor, ...]:
    return tuple(Tensor(f"t{i}", (n,), FLOAT) for i, n in enumerate(sizes))


def _call(reads: list[Any], writes: list[Any]) -> Call:
    operands = tuple(Value(o) if isinstance(o, int) else o for o in (*reads, *writes))
    return Call("f", operands, frozenset(range(len(reads), len(operands))), "", "x.hpp")


def _program(tensors: tuple[Tensor, ...], *statements: Any, **options: Any) -> Program:
    return Program(Graph(tensors, (), (0,), (len(tensors) - 1,)), statements, options)


def test_planner_reuses_memory_that_nobody_needs_any_more() -> None:
    program = _program(
        _tensors(8, 16, 16, 16, 8),
        _call([0], [1]), _call([1], [2]), _call([2], [3]), _call([3], [4]),
    )  # fmt: skip
    placed = plan(program, frozenset({0, 4}))
    assert placed.offsets == {1: 0, 2: 64, 3: 0}
    assert placed.nbytes == 128


def test_planner_keeps_what_a_later_call_reads() -> None:
    program = _program(
        _tensors(8, 16, 16, 16, 8),
        _call([0], [1]), _call([1], [2]), _call([2], [3]), _call([3, 1], [4]),
    )  # fmt: skip
    placed = plan(program, frozenset({0, 4}))
    assert len({placed.offsets[i] for i in (1, 2, 3)}) == 3


def test_planner_gives_scratch_to_one_call_only() -> None:
    program = _program(
        _tensors(8, 16, 16, 8),
        _call([0], [1, Scratch(1000)]), _call([1], [2, Scratch(1000)]), _call([2], [3]),
    )  # fmt: skip
    placed = plan(program, frozenset({0, 3}))
    assert set(placed.scratch) == {(0, 2), (1, 2)}
    assert placed.nbytes < 2 * 1024 + 128
    for key, offset in placed.scratch.items():
        mine = placed.offsets[1 if key[0] == 0 else 2]
        assert not offset <= mine < offset + 1000


def test_planner_keeps_states_for_the_whole_loop() -> None:
    body = (_call([1], [2]), _call([2], [3]), _call([3], [1]))
    program = _program(
        _tensors(8, 16, 16, 16, 8), _call([0], [1]), Loop(3, body, ""), _call([1], [4])
    )
    placed = plan(program, frozenset({0, 4}))
    assert placed.offsets[1] not in (placed.offsets[2], placed.offsets[3])


def test_planner_keeps_what_a_loop_reads_in_each_trip() -> None:
    body = (_call([1], [2]), _call([2], [3]), _call([3], [4]))
    program = _program(_tensors(8, 16, 16, 16, 16, 8), _call([0], [1]), Loop(3, body, ""))
    placed = plan(program, frozenset({0, 5}))
    assert all(placed.offsets[1] != placed.offsets[i] for i in (2, 3, 4))
    assert placed.offsets[2] == placed.offsets[4]
