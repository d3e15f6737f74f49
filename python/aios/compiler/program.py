"""What a graph is lowered to: calls of kernels on buffers, for one batch size.

A `Program` is flat: calls in order, and loops that hold calls. Operands say where a pointer comes
from; the planner and the weight store turn them into offsets, and the emitter into C++.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aios.compiler.graph import Array, Graph


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph, `byte_offset` into it; a constant is read from the weights."""

    index: int
    byte_offset: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A constant in a kernel's own layout, stored in the weights."""

    data: Array


@dataclass(frozen=True, slots=True)
class Scratch:
    """Memory that a call needs for itself, undefined before and after.

    Attributes:
        nbytes: How much of the arena.
        floats: The kernel's own constant for it, as C++; the emitted file asserts that it fits.
    """

    nbytes: int
    floats: str = ""


@dataclass(frozen=True, slots=True)
class Literal:
    """C++ text as it is: a number, `nullptr`, an expression over loop counters."""

    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A slice of a tensor chosen by the innermost loop's counter: `base + counter * stride`.

    A negative stride with its `byte_offset` at the last slice walks backwards.
    """

    index: int
    stride_bytes: int
    byte_offset: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class PackedStep:
    """One of several equally large constants, one after the other, chosen by the loop's counter."""

    parts: tuple[Array, ...]


Operand = Value | Packed | Scratch | Literal | Step | PackedStep


@dataclass(frozen=True, slots=True)
class Shared:
    """How a call's work is cut for several threads.

    Attributes:
        tasks: C++ constant: the number of independent pieces.
        piece: C++ statement for the pieces [begin, end), with `{i}` for operand i.
        before: C++ statement to run first, by one thread; its scratch is seen by all pieces.
        multiply_adds: Of the whole call.
        own_scratch: Whether a Scratch operand is the running thread's own, or the first one's.
    """

    tasks: str
    piece: str
    multiply_adds: int
    before: str = ""
    own_scratch: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One kernel call.

    Attributes:
        function: The function with its template arguments: `dense<10, 64, Relu>`.
        operands: Its arguments, in order.
        written: The places of the operands that it writes; it reads the others.
        comment: What it computes, for the reader of the C++ file.
        header: The kernel header that defines it.
        shared: How several threads can do it together, if they can.
    """

    function: str
    operands: tuple[Operand, ...]
    written: frozenset[int]
    comment: str
    header: str
    shared: Shared | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """Statements that run `trips` times."""

    trips: int
    body: tuple[Statement, ...]
    comment: str


@dataclass(frozen=True, slots=True, eq=False)
class While:
    """Statements that run as long as `flag` is true after `condition` has run.

    Attributes:
        condition: What computes the flag.
        flag: A bool.
        body: What runs in each trip.
        comment: For the reader of the C++ file.
    """

    condition: tuple[Statement, ...]
    flag: Value
    body: tuple[Statement, ...]
    comment: str


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """Statements of which one list runs: `then` where the bool `flag` is true, else `otherwise`."""

    flag: Value
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    comment: str


Statement = Call | Loop | While | Branch


def parts(statement: Statement) -> tuple[tuple[Statement, ...], ...]:
    """Returns the lists of statements inside a statement, in the order in which they may run."""
    if isinstance(statement, Loop):
        return (statement.body,)
    if isinstance(statement, While):
        return (statement.condition, statement.body)
    if isinstance(statement, Branch):
        return (statement.then, statement.otherwise)
    return ()


@dataclass(frozen=True, slots=True)
class Work:
    """Multiply-adds by how they use their weights.

    Attributes:
        single_rows: In dense layers on one row: every weight is read once.
        recurrent: In recurrent layers: every weight is read once a step.
        other: In all others: a weight is used many times.
    """

    single_rows: int = 0
    recurrent: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.single_rows + self.recurrent + self.other

    def plus(self, other: Work, times: int = 1) -> Work:
        """Returns this work and `times` the other."""
        return Work(
            self.single_rows + times * other.single_rows,
            self.recurrent + times * other.recurrent,
            self.other + times * other.other,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A lowered graph.

    Attributes:
        graph: The graph whose tensors the operands name.
        statements: What to run, in order.
        aliases: Tensors that are a part of another tensor's memory: index → (owner, byte offset).
        functions: C++ definitions that calls refer to by name, in order of first use.
        work: Of one run, counted from the shapes.
    """

    graph: Graph
    statements: tuple[Statement, ...]
    aliases: Mapping[int, tuple[int, int]]
    functions: Mapping[str, str] = field(default_factory=dict)
    work: Work = Work()

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one run."""
        return self.work.total

    def owner(self, index: int) -> tuple[int, int]:
        """Returns the tensor whose memory holds tensor `index`, and the byte offset in it."""
        offset = 0
        while index in self.aliases:
            index, step = self.aliases[index]
            offset += step
        return index, offset

    def calls(self) -> Iterator[Call]:
        """Yields every call once, in order."""
        yield from _calls(self.statements)


def _calls(statements: tuple[Statement, ...]) -> Iterator[Call]:
    for statement in statements:
        if isinstance(statement, Call):
            yield statement
        for part in parts(statement):
            yield from _calls(part)
