"""Graphs in float16 or bfloat16 as float32 graphs, for converters that know only the wide type.

A model of mixed precision is rounded after each operator. The same operators in float32 give an
answer that is nearer to the exact one; the difference is the rounding that the model's own
tolerance allows for. Inputs and outputs keep their dtypes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aios.exporting.graphs import FrozenGraph, node_lists, with_renamed_functions
from aios.exporting.own_outputs import dtype_of

#: Operators that read a tensor's bits, or another count of elements for another width.
_OF_BITS = frozenset({"Bitcast", "DecodeRaw"})


def widened(frozen: FrozenGraph) -> FrozenGraph:
    """A graph of float32 operators, or `frozen` itself where nothing is narrow, or must stay so."""
    import tensorflow as tf

    narrow = {tf.float16.as_datatype_enum, tf.bfloat16.as_datatype_enum}
    nodes = [node for found in node_lists(frozen.graph_def) for node in found]
    if not any(kind in narrow for node in nodes for kind in _types(node)):
        return frozen
    if any(node.op in _OF_BITS for node in nodes):
        return frozen
    graph_def = with_renamed_functions(frozen.graph_def, "_wide")
    dtypes = _input_dtypes(frozen, narrow)
    for found in node_lists(graph_def):
        for node in found:
            _widen_node(node, narrow)
    for function in graph_def.library.function:
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            if argument.type in narrow:
                argument.type = tf.float32.as_datatype_enum
    _keep_inputs(graph_def, dtypes)
    outputs = _kept_outputs(graph_def, frozen, narrow)
    return FrozenGraph(graph_def, frozen.inputs, outputs, frozen.initializers)


def _types(node: Any) -> Iterator[int]:
    for value in node.attr.values():
        yield value.type
        yield from value.list.type
        if value.HasField("tensor"):
            yield value.tensor.dtype


def _widen_node(node: Any, narrow: set[int]) -> None:
    import tensorflow as tf
    from tensorflow.python.framework import tensor_util

    wide = tf.float32.as_datatype_enum
    for value in node.attr.values():
        if value.type in narrow:
            value.type = wide
        for index, kind in enumerate(value.list.type):
            if kind in narrow:
                value.list.type[index] = wide
        if value.HasField("tensor") and value.tensor.dtype in narrow:
            array = tensor_util.MakeNdarray(value.tensor).astype("float32")
            value.tensor.CopyFrom(tensor_util.make_tensor_proto(array))


def _input_dtypes(frozen: FrozenGraph, narrow: set[int]) -> dict[str, int]:
    """The dtypes of narrow inputs, by their operations."""
    given = {_operation(tensor) for tensor in frozen.inputs.values()}
    return {
        node.name: node.attr["dtype"].type
        for node in frozen.graph_def.node
        if node.name in given and node.attr["dtype"].type in narrow
    }


def _keep_inputs(graph_def: Any, dtypes: dict[str, int]) -> None:
    """Gives narrow inputs their dtypes back; who reads one reads a wide copy of it."""
    wide = {name: f"{name}/aios_wide" for name in dtypes}
    for node in graph_def.node:
        if node.name in dtypes:
            node.attr["dtype"].type = dtypes[node.name]
        for index, tensor in enumerate(node.input):
            if _operation(tensor) in wide:
                node.input[index] = wide[_operation(tensor)]
    graph_def.node.extend(
        _cast(wide[name], f"{name}:0", kind, None) for name, kind in dtypes.items()
    )


def _kept_outputs(graph_def: Any, frozen: FrozenGraph, narrow: set[int]) -> dict[str, str]:
    """The outputs' tensors, those that were narrow rounded to their dtypes again."""
    nodes = {node.name: node for node in frozen.graph_def.node}
    outputs = {}
    for index, (name, tensor) in enumerate(frozen.outputs.items()):
        operation, _, place = tensor.partition(":")
        dtype = dtype_of(nodes[operation], int(place or 0))
        kind = None if dtype is None else dtype.as_datatype_enum
        outputs[name] = tensor
        if kind in narrow and tensor not in frozen.inputs.values():
            rounded = f"aios_narrow_output_{index}"
            graph_def.node.append(_cast(rounded, tensor, None, kind))
            outputs[name] = f"{rounded}:0"
    return outputs


def _cast(name: str, tensor: str, source: int | None, target: int | None) -> Any:
    """A node that rounds or widens; None stands for float32."""
    import tensorflow as tf
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    node = NodeDef(name=name, op="Cast", input=[tensor])
    wide = tf.float32.as_datatype_enum
    node.attr["SrcT"].type = wide if source is None else source
    node.attr["DstT"].type = wide if target is None else target
    return node


def _operation(tensor: str) -> str:
    return tensor.removeprefix("^").split(":", maxsplit=1)[0]
