"""The compiler's graph: tensors, operators and nested graphs, as small immutable values.

Tensors are named by their index. A constant is a tensor with `data`; an operator's missing
optional input is `MISSING`. Operator kinds are TensorFlow Lite's names (`CONV_2D`), plus a few that
the passes make (`ELEMENTWISE`, `LAYER_NORM`, `LSTM` …); `docs/concepts/compiler.md` lists them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MISSING = -1

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Quantisation:
    """How integers stand for real numbers: `scale * (integer - zero_point)`.

    Attributes:
        scale: float32, one, or one for each index of the axis.
        zero_point: int64, as many.
        axis: The dimension that has scales of its own; 0 where there is one scale.
    """

    scale: Array
    zero_point: Array
    axis: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A value of fixed shape; `data` holds it when it is a constant.

    Attributes:
        name: The name in the source graph, for comments only.
        shape: Dimensions, all known and not negative.
        dtype: NumPy's dtype of an element.
        data: The constant's value, or None.
        quantisation: What its integers stand for, where the file says so.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data: Array | None = None
    quantisation: Quantisation | None = None

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes of a dense row-major copy."""
        return self.size * self.dtype.itemsize


AnyAttributes = TypeVar("AnyAttributes", bound="Attributes")


class Attributes:
    """What a pass knows of an operator that it made; compiler/attributes.py has the classes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One operation: `outputs = kind(inputs)`, of constant form.

    Attributes:
        kind: The operator's name.
        inputs: Tensors that it reads; `MISSING` for an optional one that isn't there.
        outputs: Tensors that it writes.
        options: The file's own words for its form, by name.
        attributes: What passes have made of it, or moved into it.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    attributes: Attributes | None = None

    def __getitem__(self, name: str) -> Any:
        return self.options[name]

    def typed(self, kind: type[AnyAttributes]) -> AnyAttributes:
        """Returns the attributes, which must be of that class.

        Raises:
            TypeError: They aren't.
        """
        if not isinstance(self.attributes, kind):
            raise TypeError(f"{self.kind}: expected {kind.__name__}, got {self.attributes!r}")
        return self.attributes


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Operators in an order of execution, over tensors; `subgraphs` are the bodies of loops.

    Attributes:
        tensors: All tensors; an index names one.
        operators: In an order in which each input is known before it is used.
        inputs: Tensors that the caller gives, in the signature's order.
        outputs: Tensors that the caller gets, in the signature's order.
        input_names: The signature's names, or the tensors' own.
        output_names: Likewise.
        subgraphs: Graphs that operators refer to by index.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    subgraphs: tuple[Graph, ...] = ()

    def constant(self, index: int) -> Array | None:
        """Returns the value of tensor `index` when it is a constant."""
        return None if index == MISSING else self.tensors[index].data

    def producers(self) -> dict[int, Operator]:
        """Maps each computed tensor to the operator that computes it."""
        return {out: op for op in self.operators for out in op.outputs}

    def consumers(self) -> dict[int, list[Operator]]:
        """Maps each tensor to the operators that read it, in order."""
        readers: dict[int, list[Operator]] = {}
        for op in self.operators:
            for index in dict.fromkeys(op.inputs):
                readers.setdefault(index, []).append(op)
        return readers

    def with_operators(self, operators: Iterable[Operator]) -> Graph:
        """Returns the same graph with other operators."""
        return replace(self, operators=tuple(operators))


class Rewriter:
    """Builds a changed copy of a graph: new tensors, replaced operators, renamed uses."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.tensors: list[Tensor] = list(graph.tensors)
        self.operators: list[Operator] = []
        self._renamed: dict[int, int] = {}

    def __iter__(self) -> Iterator[Operator]:
        """Yields the source's operators, with the uses renamed so far."""
        for op in self._graph.operators:
            yield replace(op, inputs=tuple(self.current(i) for i in op.inputs))

    def current(self, index: int) -> int:
        """Returns what tensor `index` is called now."""
        while index in self._renamed:
            index = self._renamed[index]
        return index

    def add_tensor(self, tensor: Tensor) -> int:
        """Adds a tensor and returns its index."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def add_constant(self, data: Array, name: str = "constant") -> int:
        """Adds a constant and returns its index."""
        return self.add_tensor(Tensor(name, tuple(data.shape), data.dtype, data))

    def set_constant(self, index: int, data: Array) -> None:
        """Turns tensor `index` into a constant."""
        old = self.tensors[index]
        self.tensors[index] = replace(old, data=data.astype(old.dtype).reshape(old.shape))

    def rename(self, old: int, new: int) -> None:
        """Makes each later use of `old` a use of `new`."""
        self._renamed[old] = new

    def emit(self, op: Operator) -> None:
        """Appends an operator."""
        self.operators.append(op)

    def finish(self) -> Graph:
        """Returns the changed graph."""
        operators = tuple(
            replace(op, inputs=tuple(self.current(i) for i in op.inputs)) for op in self.operators
        )
        return replace(
            self._graph,
            tensors=tuple(self.tensors),
            operators=operators,
            outputs=tuple(self.current(i) for i in self._graph.outputs),
        )
