"""Frozen graphs: copies of them with a fixed batch, and functions that run them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aios.exporting.folding import drop

#: Operators that give what they are given: nothing is rounded in them.
_PASSIVE = frozenset({
    "Const", "Identity", "IdentityN", "NoOp", "Placeholder", "ReadVariableOp", "Shape",
    "VarHandleOp",
})  # fmt: skip
#: Operators whose operand of that index is the shape of a tensor list's elements.
_ELEMENT_SHAPES = {
    "TensorListReserve": 0,
    "EmptyTensorList": 0,
    "TensorListFromTensor": 1,
    "TensorListStack": 1,
    "TensorListGetItem": 2,
}


@dataclass(frozen=True, slots=True)
class FrozenGraph:
    """A GraphDef without variables; tensor names in it ("x:0") by the signature's names.

    `initializers` are the operations that fill its look-up tables, before the first call.
    """

    graph_def: Any
    inputs: dict[str, str]
    outputs: dict[str, str]
    initializers: tuple[str, ...] = ()


def operators(graph_def: Any) -> Iterator[str]:
    """Names of all operators, in functions too."""
    for nodes in _node_lists(graph_def):
        for node in nodes:
            yield node.op


def float_types(graph_def: Any) -> set[str]:
    """Names of the float types that a graph's operators calculate in or round to."""
    import tensorflow as tf

    found = set()
    for nodes in _node_lists(graph_def):
        for node in nodes:
            if node.op in _PASSIVE:
                continue
            for name, value in node.attr.items():
                if value.type and name != "SrcT":
                    found.add(tf.as_dtype(value.type))
    return {dtype.name for dtype in found if dtype.is_floating}


def with_batch(frozen: FrozenGraph, batch: int) -> FrozenGraph:
    """A copy whose inputs have `batch` in dimension 0, where that was unknown.

    Tensor lists of a recurrent layer hold one batch per step, but their element shape was written
    down as [-1, …] when the model was traced: it is set too. That is a guess for any other use of
    a tensor list; whoever calls this checks the answers.
    """
    from tensorflow.core.framework.graph_pb2 import GraphDef

    copy = GraphDef()
    copy.CopyFrom(frozen.graph_def)
    for node in copy.node:
        if node.op == "Placeholder":
            dims = node.attr["shape"].shape.dim
            if dims and dims[0].size == -1:
                dims[0].size = batch
    # Two definitions of one function name can't live in one process.
    renamed = {f.signature.name: f"{f.signature.name}_b{batch}" for f in copy.library.function}
    for function in copy.library.function:
        function.signature.name = renamed[function.signature.name]
        for arguments in function.arg_attr.values():
            drop(arguments.attr, "_output_shapes")
    for nodes in _node_lists(copy):
        _pin_element_shapes(nodes, batch)
        for node in nodes:
            _rename_functions(node, renamed)
            drop(node.attr, "_output_shapes")
            if node.op in ("While", "StatelessWhile"):
                drop(node.attr, "output_shapes")
    return FrozenGraph(copy, frozen.inputs, frozen.outputs)


def imported(frozen: FrozenGraph) -> Any:
    """A ConcreteFunction of the graph: tensors in and out in the order of its names."""
    import tensorflow as tf

    wrapped = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(frozen.graph_def, name=""), []
    )
    tensor = wrapped.graph.get_tensor_by_name
    return wrapped.prune(
        [tensor(name) for name in frozen.inputs.values()],
        [tensor(name) for name in frozen.outputs.values()],
    )


def _node_lists(graph_def: Any) -> Iterator[Any]:
    yield graph_def.node
    for function in graph_def.library.function:
        yield function.node_def


def _pin_element_shapes(nodes: Any, batch: int) -> None:
    from tensorflow.python.framework import tensor_util

    by_name = {node.name: node for node in nodes}
    for node in nodes:
        operand = _ELEMENT_SHAPES.get(node.op)
        shape = by_name.get(node.input[operand].split(":")[0]) if operand is not None else None
        if shape is None or shape.op != "Const":
            continue
        sizes = tensor_util.MakeNdarray(shape.attr["value"].tensor)
        if sizes.ndim == 1 and sizes.size > 1 and sizes[0] == -1:
            pinned = sizes.copy()
            pinned[0] = batch
            shape.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(pinned))


def _rename_functions(node: Any, renamed: dict[str, str]) -> None:
    node.op = renamed.get(node.op, node.op)
    for value in node.attr.values():
        if value.HasField("func"):
            value.func.name = renamed.get(value.func.name, value.func.name)
        for function in value.list.func:
            function.name = renamed.get(function.name, function.name)
