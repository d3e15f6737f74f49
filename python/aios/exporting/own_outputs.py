"""Outputs that each have a tensor of their own, as LiteRT and OpenVINO need them.

LiteRT can't bind memory to an output that a loop, a branch or a sort wrote, and both mix up outputs
that are the same tensor, or an input's: such an output becomes the maximum of itself and itself,
which no converter takes for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aios.exporting.graphs import FrozenGraph

#: Operators that give what they are given.
_PASSING = frozenset({"Identity", "StopGradient", "PreventGradient", "Snapshot"})
#: Operators whose outputs LiteRT keeps in memory of its own.
_KEEPING = frozenset({
    "While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase", "PartitionedCall",
    "StatefulPartitionedCall", "TopK", "TopKV2", "Unique", "UniqueV2", "Where",
})  # fmt: skip


def with_own_outputs(frozen: FrozenGraph) -> FrozenGraph:
    """A graph with the same answers, or `frozen` itself where each output has its own tensor."""
    nodes = {node.name: node for node in frozen.graph_def.node}
    taken = {_tensor(name) for name in frozen.inputs.values()}
    latest: dict[tuple[str, int], tuple[str, int]] = {}
    copies: list[Any] = []
    outputs = {}
    for name, output in frozen.outputs.items():
        origin = _origin(nodes, _tensor(output))
        node = nodes[origin[0]]
        dtype = dtype_of(node, origin[1])
        outputs[name] = output
        if dtype is not None and (origin in taken or node.op in _KEEPING):
            # Each copies the last one: two that did the same would become one again.
            copy = _copy(f"aios_own_output_{len(copies)}", latest.get(origin, origin), dtype)
            latest[origin] = (copy.name, 0)
            copies.append(copy)
            outputs[name] = f"{copy.name}:0"
        taken.add(origin)
    if not copies:
        return frozen
    graph_def = type(frozen.graph_def)()
    graph_def.CopyFrom(frozen.graph_def)
    graph_def.node.extend(copies)
    return FrozenGraph(graph_def, frozen.inputs, outputs, frozen.initializers)


def _tensor(name: str) -> tuple[str, int]:
    operation, _, index = name.partition(":")
    return operation, int(index or 0)


def _origin(nodes: dict[str, Any], tensor: tuple[str, int]) -> tuple[str, int]:
    """The tensor that this one is, where operators only pass it on."""
    node = nodes[tensor[0]]
    while node.op in _PASSING:
        tensor = _tensor(node.input[0])
        node = nodes[tensor[0]]
    return tensor


def _copy(name: str, tensor: tuple[str, int], dtype: Any) -> Any:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    node = NodeDef(name=name, op="LogicalOr" if dtype.is_bool else "Maximum")
    node.input.extend([f"{tensor[0]}:{tensor[1]}"] * 2)
    if not dtype.is_bool:
        node.attr["T"].type = dtype.as_datatype_enum
    return node


def dtype_of(node: Any, index: int) -> Any:
    """The dtype of a node's output; None where the operator isn't known, or it is of strings."""
    import tensorflow as tf
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(node.op)
    if definition is None:
        return None
    types = [kind for output in definition.output_arg for kind in _types(node, definition, output)]
    dtype = tf.as_dtype(types[index]) if index < len(types) else tf.string
    return dtype if dtype.is_floating or dtype.is_integer or dtype.is_bool else None


def _types(node: Any, definition: Any, output: Any) -> Iterator[int]:
    def attribute(name: str) -> Any:
        if name in node.attr:
            return node.attr[name]
        return next(item.default_value for item in definition.attr if item.name == name)

    if output.type_list_attr:
        yield from attribute(output.type_list_attr).list.type
        return
    count = attribute(output.number_attr).i if output.number_attr else 1
    dtype = attribute(output.type_attr).type if output.type_attr else output.type
    for _ in range(count):
        yield dtype
