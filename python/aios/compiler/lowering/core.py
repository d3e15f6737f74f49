"""Turns a graph's operators into kernel calls, one registered function per operator kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from aios.bundle.dtypes import CTYPES, numpy_dtype
from aios.compiler.graph import MISSING, Graph, Operator, Tensor
from aios.compiler.program import Call, Operand, Program, Shared, Statement, Value, Work
from aios.errors import UnsupportedError


@dataclass(frozen=True, slots=True)
class Machine:
    """What the lowering may know of the target.

    Attributes:
        lanes: float32 elements of a vector register.
        exact: Whether to leave algorithms out that save multiplications and lose bits: Winograd's
            and Strassen's.
    """

    lanes: int
    exact: bool = False


class DeclineError(UnsupportedError):
    """One operator can't be compiled; the message says why."""


class BodyDeclineError(DeclineError):
    """Operators inside a loop or a branch can't be compiled.

    Attributes:
        declined: Their kinds and reasons, with counts.
    """

    def __init__(self, declined: Counter[str]) -> None:
        super().__init__(", ".join(sorted(declined)))
        self.declined = declined


_UNKNOWN = "not supported"

Lowering = Callable[["Lowerer", Operator], None]
_LOWERINGS: dict[str, Lowering] = {}


def lowers(*kinds: str) -> Callable[[Lowering], Lowering]:
    """Registers a function as the lowering of operator kinds."""

    def register(function: Lowering) -> Lowering:
        for kind in kinds:
            _LOWERINGS[kind] = function
        return function

    return register


def lowered_kinds() -> frozenset[str]:
    """Returns the operator kinds that have a lowering."""
    return frozenset(_LOWERINGS)


def lowering_of(kind: str) -> Lowering:
    """Returns the lowering of an operator kind."""
    return _LOWERINGS[kind]


class Lowerer:
    """Collects the calls of one graph; lowerings write into it."""

    def __init__(
        self, graph: Graph, machine: Machine, functions: dict[str, str] | None = None
    ) -> None:
        """Begins a program.

        Args:
            graph: What to lower.
            machine: What it will run on.
            functions: Definitions that other programs of the same file have made, to share.
        """
        self.graph = graph
        self.machine = machine
        self.work = Work()
        self._statements: list[Statement] = []
        self._aliases: dict[int, tuple[int, int]] = {}
        self._functions = {} if functions is None else functions
        self._computed: set[int] = set()
        self._depth = 0

    def tensor(self, index: int) -> Tensor:
        """Returns a tensor of the graph."""
        return self.graph.tensors[index]

    def temporary(self, shape: tuple[int, ...], dtype: str = "float32") -> int:
        """Adds a tensor for an intermediate result and returns its index."""
        tensor = Tensor("temporary", shape, numpy_dtype(dtype))
        self.graph = replace(self.graph, tensors=(*self.graph.tensors, tensor))
        return len(self.graph.tensors) - 1

    def add_tensors(self, tensors: tuple[Tensor, ...]) -> int:
        """Adds tensors and returns the index of the first."""
        start = len(self.graph.tensors)
        self.graph = replace(self.graph, tensors=(*self.graph.tensors, *tensors))
        return start

    def call(
        self,
        function: str,
        reads: Iterable[Operand | int],
        writes: Iterable[Operand | int],
        *,
        comment: str,
        header: str,
        tail: Iterable[Operand | int] = (),
        ends: Iterable[Operand | int] = (),
        shared: Shared | None = None,
    ) -> None:
        """Appends a call of `function(reads…, writes…, tail…, ends…)`.

        A bare index stands for the whole tensor. `tail` is read, too, and `ends` are written, too.
        """
        groups = [tuple(map(_operand, group)) for group in (reads, writes, tail, ends)]
        operands = tuple(o for group in groups for o in group)
        first, last = len(groups[0]), len(operands) - len(groups[3])
        written = {*range(first, first + len(groups[1])), *range(last, len(operands))}
        results = (operands[place] for place in written)
        self._computed.update(self.owner(o.index)[0] for o in results if isinstance(o, Value))
        self._statements.append(
            Call(function, operands, frozenset(written), comment, header, shared)
        )

    def append(self, statement: Statement) -> None:
        """Appends a loop or a branch."""
        self._statements.append(statement)

    def body(self, operators: Iterable[Operator]) -> tuple[Statement, ...]:
        """Lowers the operators of a loop's or a branch's body, and returns their statements.

        Raises:
            BodyDeclineError: Some can't be compiled.
        """
        start = self.position
        self._depth += 1
        declined = self.lower_all(operators)
        self._depth -= 1
        if declined:
            raise BodyDeclineError(declined)
        return self.take_statements(start)

    def take_statements(self, start: int) -> tuple[Statement, ...]:
        """Removes and returns the statements from position `start` on: a loop's body."""
        taken = tuple(self._statements[start:])
        del self._statements[start:]
        return taken

    @property
    def position(self) -> int:
        """The number of statements so far."""
        return len(self._statements)

    def alias(self, index: int, owner: int, byte_offset: int = 0) -> None:
        """Makes tensor `index` a part of the memory of `owner`."""
        self._aliases[index] = (owner, byte_offset)

    def owner(self, index: int) -> tuple[int, int]:
        """Returns the tensor whose memory holds tensor `index`, and the byte offset in it."""
        offset = 0
        while index in self._aliases:
            index, step = self._aliases[index]
            offset += step
        return index, offset

    def place_inside(self, index: int, whole: int, byte_offset: int) -> bool:
        """Lets the memory of a computed tensor be a part of `whole`, so that no copy is needed.

        Returns:
            False when the tensor's memory is somebody else's: the caller's, a constant's, a part of
            another tensor, or a loop's.
        """
        owner, offset = self.owner(index)
        tensor = self.tensor(owner)
        free = owner in self._computed and owner not in self.graph.outputs and not self._depth
        if not free or offset != 0 or tensor.nbytes != self.tensor(index).nbytes:
            return False
        self._aliases[owner] = (whole, byte_offset)
        return True

    def define(self, stem: str, text: str) -> str:
        """Defines a C++ struct once per text and returns its name.

        Args:
            stem: A readable beginning of the name.
            text: The definition, with `NAME` where the name belongs.
        """
        for name, known in self._functions.items():
            if known == text.replace("NAME", name):
                return name
        name = f"{stem}{len(self._functions)}"
        self._functions[name] = text.replace("NAME", name)
        return name

    def lower(self, op: Operator) -> None:
        """Appends the calls of one operator.

        Raises:
            DeclineError: The operator, or this use of it, can't be compiled.
        """
        lowering = _LOWERINGS.get(op.kind)
        if lowering is None:
            raise DeclineError(_UNKNOWN)
        touched = (i for i in (*op.inputs, *op.outputs) if i != MISSING)
        if any(-1 in self.tensor(i).shape for i in touched):
            raise DeclineError("a shape that is not static")
        lowering(self, op)

    def lower_all(self, operators: Iterable[Operator]) -> Counter[str]:
        """Appends the calls of operators in order.

        Returns:
            Those that can't be compiled, with counts: the kind, and the reason where the kind is
            known but not this use of it. An operator inside a loop counts under its own kind.
        """
        declined: Counter[str] = Counter()
        for op in operators:
            try:
                self.lower(op)
            except BodyDeclineError as error:
                declined.update(error.declined)
            except DeclineError as error:
                reason = str(error)
                declined[op.kind if reason == _UNKNOWN else f"{op.kind} ({reason})"] += 1
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                declined[f"{op.kind} (an unexpected form: {error!r})"] += 1
        return declined

    def finish(self) -> Program:
        """Returns the program; an output that is another tensor's memory gets a copy."""
        self._separate_outputs()
        owned: set[int] = set()
        for index in self.graph.outputs:
            if not self._write_directly(index, owned):
                self._copy_output(index)
        return Program(
            self.graph,
            tuple(self._statements),
            dict(self._aliases),
            dict(self._functions),
            self.work,
        )

    def _separate_outputs(self) -> None:
        """Gives an output that is an input, a constant or another output a tensor of its own."""
        outputs: list[int] = []
        for index in self.graph.outputs:
            tensor = self.tensor(index)
            taken = index in outputs or index in self.graph.inputs or tensor.data is not None
            if taken:
                own = self.temporary(tensor.shape, tensor.dtype.name)
                self._aliases[own] = (index, 0)
                outputs.append(own)
            else:
                outputs.append(index)
        self.graph = replace(self.graph, outputs=tuple(outputs))

    def _write_directly(self, index: int, owned: set[int]) -> bool:
        """Makes the memory of output `index` its owner's memory, if nobody else has that."""
        owner, offset = self.owner(index)
        tensor = self.tensor(owner)
        if owner in self.graph.inputs or tensor.data is not None or owner in owned:
            return False
        if offset != 0 or tensor.nbytes != self.tensor(index).nbytes:
            return False
        if owner != index:
            if owner in self.graph.outputs:
                return False
            self._aliases.pop(index)
            self._aliases[owner] = (index, 0)
        owned.add(index)
        return True

    def _copy_output(self, index: int) -> None:
        owner, offset = self.owner(index)
        self._aliases.pop(index, None)
        tensor = self.tensor(index)
        source = Value(owner, offset)
        self.call(
            f"copyBytes<{tensor.nbytes}>",
            [source],
            [index],
            comment="output of its own",
            header="shape.hpp",
        )


def _operand(operand: Operand | int) -> Operand:
    return Value(operand) if isinstance(operand, int) else operand


def ctype(tensor: Tensor) -> str:
    """Returns the C++ type of a tensor's elements."""
    name = CTYPES.get(tensor.dtype.name)
    if name is None:
        raise DeclineError(f"dtype {tensor.dtype.name}")
    return name


def require_float32(lowerer: Lowerer, op: Operator) -> None:
    """Declines an operator that has a tensor of another dtype."""
    for index in (*op.inputs, *op.outputs):
        if index != MISSING and lowerer.tensor(index).dtype.name != "float32":
            raise DeclineError(f"dtype {lowerer.tensor(index).dtype.name}")


def is_float32(lowerer: Lowerer, op: Operator) -> bool:
    """Tells whether an operator has float32 tensors only."""
    touched = (i for i in (*op.inputs, *op.outputs) if i != MISSING)
    return all(lowerer.tensor(i).dtype.name == "float32" for i in touched)


def summary(lowerer: Lowerer, op: Operator) -> str:
    """Describes an operator for a comment: kind, shapes and the tensor's name in the source."""
    shapes = " x ".join(
        str(list(lowerer.tensor(i).shape)).replace(" ", "") for i in op.inputs if i != MISSING
    )
    out = lowerer.tensor(op.outputs[0])
    name = re.sub(r"[^\x20-\x7e]|\\", "?", out.name.split(";")[0])
    return f"{op.kind} {shapes} -> {str(list(out.shape)).replace(' ', '')}  {name}"
