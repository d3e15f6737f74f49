"""Frozen graphs: copies of them with a fixed batch, and functions that run them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aios.exporting.nodes import drop

#: Operators that give what they are given: nothing is rounded in them.
_PASSIVE = frozenset({
    "Const", "Identity", "IdentityN", "NoOp", "Placeholder", "ReadVariableOp", "Shape",
    "VarHandleOp",
})  # fmt: skip
_LARGE_BYTES = 64 << 10
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
    for nodes in node_lists(graph_def):
        for node in nodes:
            yield node.op


def float_types(graph_def: Any) -> set[str]:
    """Names of the float types that a graph's operators calculate in or round to."""
    import tensorflow as tf

    found = set()
    for nodes in node_lists(graph_def):
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
    copy = _with_open_shapes(frozen, f"_b{batch}")
    for node in copy.graph_def.node:
        if node.op == "Placeholder":
            dims = node.attr["shape"].shape.dim
            if dims and dims[0].size == -1:
                dims[0].size = batch
    for nodes in node_lists(copy.graph_def):
        _pin_element_shapes(nodes, batch)
    return copy


def with_sizes(frozen: FrozenGraph, sizes: Mapping[str, Iterable[int]]) -> FrozenGraph:
    """A copy whose inputs have these sizes, by name, where a size but the first was unknown.

    The graph itself where there are none.
    """
    if not sizes:
        return frozen
    label = "_".join(str(size) for name in sizes for size in sizes[name])
    copy = _with_open_shapes(frozen, f"_s{label}")
    names = {_node(tensor): name for name, tensor in frozen.inputs.items()}
    for node in copy.graph_def.node:
        if node.op == "Placeholder":
            given = iter(sizes.get(names.get(node.name, ""), ()))
            for dim in list(node.attr["shape"].shape.dim)[1:]:
                if dim.size == -1:
                    dim.size = next(given, -1)
    return copy


def _with_open_shapes(frozen: FrozenGraph, suffix: str) -> FrozenGraph:
    """A copy that has forgotten the shapes that were inferred when the model was traced."""
    copy = with_renamed_functions(frozen.graph_def, suffix)
    for function in copy.library.function:
        for arguments in function.arg_attr.values():
            drop(arguments.attr, "_output_shapes")
    for nodes in node_lists(copy):
        for node in nodes:
            drop(node.attr, "_output_shapes")
            if node.op in ("While", "StatelessWhile"):
                drop(node.attr, "output_shapes")
    return FrozenGraph(copy, frozen.inputs, frozen.outputs)


def with_renamed_functions(graph_def: Any, suffix: str) -> Any:
    """A copy to be changed: two definitions of one function name can't live in one process."""
    copy = type(graph_def)()
    copy.CopyFrom(graph_def)
    renamed = {f.signature.name: f"{f.signature.name}{suffix}" for f in copy.library.function}
    for function in copy.library.function:
        function.signature.name = renamed[function.signature.name]
    for nodes in node_lists(copy):
        for node in nodes:
            _rename_functions(node, renamed)
    return copy


def without_large_constants(frozen: FrozenGraph) -> tuple[FrozenGraph, dict[str, Any]]:
    """A copy without the constants that are most of its bytes, and those as protobuf tensors.

    Only floating-point ones are taken out, which never are sizes or axes. They are named by the
    tensors ("kernel:0") that other nodes read, and that `bound` then needs.
    """
    constants = {}
    kept = []
    for node in frozen.graph_def.node:
        if _is_large_constant(node):
            constants[f"{node.name}:0"] = node.attr["value"].tensor
        else:
            kept.append(node)
    return replace(frozen, graph_def=_of_nodes(frozen, kept)), constants


def input_specs(frozen: FrozenGraph, names: Mapping[str, str]) -> dict[str, Any]:
    """The TensorSpec of every input, by the new names that `names` gives them."""
    import tensorflow as tf

    nodes = {node.name: node for node in frozen.graph_def.node}
    specs = {}
    for name, tensor in frozen.inputs.items():
        attributes = nodes[_node(tensor)].attr
        shape = tf.TensorShape(attributes["shape"].shape)
        dtype = tf.as_dtype(attributes["dtype"].type)
        specs[names[name]] = tf.TensorSpec(shape, dtype, name=names[name])
    return specs


def bound(frozen: FrozenGraph, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The graph's outputs by name, added to the TensorFlow graph that is being built.

    A function of its own to be called for it would cost a walk over every node in Python.

    Args:
        frozen: The graph.
        tensors: What its inputs are, and constants that come from elsewhere, by the graph's own
            tensor names ("x:0").
    """
    import tensorflow as tf

    given = {_node(tensor) for tensor in tensors}
    results = tf.graph_util.import_graph_def(
        _of_nodes(frozen, [node for node in frozen.graph_def.node if node.name not in given]),
        input_map=dict(tensors),
        return_elements=list(frozen.outputs.values()),
        name="",
    )
    return dict(zip(frozen.outputs, results, strict=True))


def _of_nodes(frozen: FrozenGraph, nodes: Iterable[Any]) -> Any:
    """A GraphDef like the graph's, of some of its nodes."""
    graph_def = type(frozen.graph_def)(versions=frozen.graph_def.versions)
    graph_def.library.CopyFrom(frozen.graph_def.library)
    graph_def.node.extend(nodes)
    return graph_def


def _is_large_constant(node: Any) -> bool:
    import tensorflow as tf

    return (
        node.op == "Const"
        and tf.as_dtype(node.attr["dtype"].type).is_floating
        and len(node.attr["value"].tensor.tensor_content) >= _LARGE_BYTES
    )


def _node(tensor: str) -> str:
    return tensor.split(":", maxsplit=1)[0]


def node_lists(graph_def: Any) -> Iterator[Any]:
    """The nodes of a graph, then those of each of its functions."""
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
