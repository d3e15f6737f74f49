"""Gives every buffer of a program a place in one arena, by the interval in which it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aios.compiler.graph import MISSING
from aios.compiler.program import (
    Branch,
    Call,
    Loop,
    Operand,
    Program,
    Scratch,
    Statement,
    Step,
    Value,
    While,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIGNMENT = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """Where buffers live.

    Attributes:
        offsets: Byte offset in the arena of each tensor that owns memory.
        scratch: Byte offset of a call's scratch, by (position of the call, operand).
        nbytes: The size of the arena, a multiple of `ALIGNMENT`.
    """

    offsets: Mapping[int, int]
    scratch: Mapping[tuple[int, int], int]
    nbytes: int


@dataclass(slots=True)
class _Interval:
    key: int | tuple[int, int]
    nbytes: int
    first: int
    last: int


def align(nbytes: int) -> int:
    """Rounds up to the alignment of buffers."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def plan(program: Program, external: frozenset[int]) -> Plan:
    """Places all tensors that calls touch, except constants and `external` ones.

    A buffer that lives across a loop's border, or is carried from one trip to the next, keeps its
    place for the whole loop.

    Args:
        program: What runs.
        external: Tensors whose memory the caller gives: inputs and outputs.
    """
    intervals = _Liveness(program, external).intervals()
    intervals.sort(key=lambda i: (-i.nbytes, i.first, str(i.key)))
    placed: list[tuple[int, _Interval]] = []
    for interval in intervals:
        placed.append((_first_gap(interval, placed), interval))
    end = max((offset + i.nbytes for offset, i in placed), default=0)
    offsets = {i.key: offset for offset, i in placed if isinstance(i.key, int)}
    scratch = {i.key: offset for offset, i in placed if isinstance(i.key, tuple)}
    return Plan(offsets, scratch, align(end))


def _first_gap(interval: _Interval, placed: list[tuple[int, _Interval]]) -> int:
    """Returns the lowest offset at which `interval` overlaps nothing that lives at its time."""
    busy = sorted(
        (offset, offset + align(other.nbytes))
        for offset, other in placed
        if other.first <= interval.last and interval.first <= other.last
    )
    offset = 0
    for start, end in busy:
        if offset + interval.nbytes <= start:
            break
        offset = max(offset, end)
    return offset


class _Liveness:
    """Finds the first and the last call that needs each buffer."""

    def __init__(self, program: Program, external: frozenset[int]) -> None:
        self._program = program
        self._external = external
        self._position = 0
        self._touched: dict[int, list[int]] = {}
        self._read: dict[int, list[int]] = {}
        self._written: dict[int, list[int]] = {}
        self._scratch: list[_Interval] = []
        self._loops: list[tuple[int, int]] = []

    def intervals(self) -> list[_Interval]:
        self._walk(self._program.statements)
        tensors = self._program.graph.tensors
        result = list(self._scratch)
        for index, positions in self._touched.items():
            first, last = self._across_loops(index, min(positions), max(positions))
            result.append(_Interval(index, tensors[index].nbytes, first, last))
        return result

    def _across_loops(self, index: int, first: int, last: int) -> tuple[int, int]:
        for start, end in self._loops:
            inside = any(start <= p <= end for p in self._touched[index])
            read = min((p for p in self._read.get(index, ()) if start <= p <= end), default=end + 1)
            carried = read <= max(self._written.get(index, (-1,)))
            if inside and (first < start or last > end or carried):
                first, last = min(first, start), max(last, end)
        return first, last

    def _walk(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            if isinstance(statement, Call):
                self._call(statement)
                self._position += 1
            elif isinstance(statement, Branch):
                self._touch(statement.flag, self._read, max(0, self._position - 1))
                self._walk(statement.then)
                self._walk(statement.otherwise)
            else:
                self._loop(statement)

    def _loop(self, loop: Loop | While) -> None:
        start = self._position
        if isinstance(loop, While):
            self._walk(loop.condition)
            self._touch(loop.flag, self._read, max(start, self._position - 1))
        self._walk(loop.body)
        self._loops.append((start, self._position - 1))

    def _call(self, call: Call) -> None:
        for place, operand in enumerate(call.operands):
            if isinstance(operand, Scratch):
                key = (self._position, place)
                if operand.nbytes:
                    self._scratch.append(
                        _Interval(key, operand.nbytes, self._position, self._position)
                    )
            else:
                accesses = self._written if place in call.written else self._read
                self._touch(operand, accesses, self._position)

    def _touch(self, operand: Operand, accesses: dict[int, list[int]], position: int) -> None:
        if not isinstance(operand, Value | Step) or operand.index == MISSING:
            return
        index, _ = self._program.owner(operand.index)
        if index in self._external or self._program.graph.constant(index) is not None:
            return
        self._touched.setdefault(index, []).append(position)
        accesses.setdefault(index, []).append(position)
