"""Edits of a graph's nodes, as protobuf messages, and what their edges carry."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Variable:
    """An edge that carried a variable's handle and now carries its value."""

    dtype: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """An edge that carries the handle of the look-up table of that name, and still does."""

    name: str


Edge = Variable | Table
Edges = Sequence[Edge | None]


def constant(name: str, value: Any, dtype: int | None = None) -> Any:
    """A node that gives a NumPy array's value."""
    from tensorflow.core.framework.node_def_pb2 import NodeDef
    from tensorflow.python.framework import tensor_util

    node = NodeDef(name=name, op="Const")
    node.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(value, dtype=dtype))
    node.attr["dtype"].type = node.attr["value"].tensor.dtype
    return node


def free_name(name: str, taken: Container[str]) -> str:
    """The name, or a longer one that isn't taken."""
    while name in taken:
        name += "_"
    return name


def drop(attributes: Any, name: Any) -> None:
    """Removes an entry of a protobuf's map, if it is there."""
    if name in attributes:
        del attributes[name]


def replaced(node: Any, op: str, operands: Iterable[str], **types: int) -> Any:
    """A node of another operator in the place of one, with attributes that are types."""
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    new = NodeDef(name=node.name, op=op, input=operands, device=node.device)
    for name, dtype in types.items():
        new.attr[name].type = dtype
    return new


def retype(node: Any, attribute: str, index: int, edge: Variable) -> None:
    """Sets the type of an attribute, or of one place of a list of types, to the variable's."""
    value = node.attr[attribute]
    if value.HasField("list"):
        value.list.type[index] = edge.dtype
    else:
        value.type = edge.dtype
    drop(node.attr, "_output_shapes")


def retype_all(node: Any, attribute: str, edges: Edges) -> None:
    """Sets the types of a list wherever an edge carries a variable."""
    for index, edge in enumerate(edges):
        if isinstance(edge, Variable):
            retype(node, attribute, index, edge)


def retype_arguments(function: Any, known: Mapping[str, Edge]) -> None:
    """Sets the types and shapes of a function's arguments that carry variables."""
    edges = [known.get(arg.name) for arg in function.signature.input_arg]
    if "_input_shapes" in function.attr:
        reshape_all(function.attr["_input_shapes"].list.shape, edges)
    for index, (arg, edge) in enumerate(zip(function.signature.input_arg, edges, strict=True)):
        if not isinstance(edge, Variable):
            continue
        arg.type = edge.dtype
        drop(function.resource_arg_unique_id, index)
        drop(function.arg_attr[index].attr, "_output_shapes")


def reshape_all(shapes: Any, edges: Edges) -> None:
    """Sets the shapes of a list wherever an edge carries a variable."""
    for shape, edge in zip(shapes, edges, strict=False):
        if isinstance(edge, Variable):
            shape.Clear()
            for size in edge.shape:
                shape.dim.add().size = size


def functions_in(node: Any) -> Iterator[Any]:
    """References to functions of an operator that gives them no operands."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func
        yield from value.list.func


def data_operands(node: Any) -> list[str]:
    """What a node reads."""
    return [operand for operand in node.input if not operand.startswith("^")]


def control_operands(node: Any) -> list[str]:
    """What a node only waits for."""
    return [operand for operand in node.input if operand.startswith("^")]


def copy_of(node: Any) -> Any:
    """A copy of a protobuf message."""
    copy = type(node)()
    copy.CopyFrom(node)
    return copy


def resource_type() -> int:
    """TensorFlow's number of the type of handles."""
    from tensorflow.core.framework.types_pb2 import DT_RESOURCE

    return int(DT_RESOURCE)
