"""Frozen graphs: a signature's function with its variables folded in, and copies of fixed batch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aios.errors import UnsupportedError

_TABLES = re.compile(r"HashTable|LookupTable|InitializeTable")
_ASSIGNS = re.compile(
    r"Assign\w*VariableOp|ResourceScatter|ResourceApply|^Assign|ResourceStridedSliceAssign"
)
_PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc", "NumpyFunction")
_VARIABLES = ("VarHandleOp", "ReadVariableOp", "VariableV2", "Variable")
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
    """A GraphDef without variables; tensor names in it ("x:0") by the signature's names."""

    graph_def: Any
    inputs: dict[str, str]
    outputs: dict[str, str]


def freeze(function: Any) -> FrozenGraph:
    """Folds the variables of a signature's ConcreteFunction into constants.

    Functional loops stay functional: LiteRT's converter wants them so, and TensorFlow's
    single-threaded executor runs nothing else.

    Raises:
        UnsupportedError: Names what can't be folded: variables that are written, look-up tables.
    """
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    _require_freezable(set(operators(function.graph.as_graph_def())))
    try:
        frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    except Exception as error:
        raise UnsupportedError(f"its variables can't be folded in: {first_line(error)}") from error
    graph_def = frozen.graph.as_graph_def()
    left = sorted(set(operators(graph_def)).intersection(_VARIABLES))
    if left:
        raise UnsupportedError(f"it still reads variables when frozen: {', '.join(left)}")
    return FrozenGraph(
        graph_def,
        dict(zip(input_names(function), [t.name for t in frozen.inputs], strict=True)),
        dict(zip(output_names(function), [t.name for t in frozen.outputs], strict=True)),
    )


def input_names(function: Any) -> list[str]:
    """Names of a signature's inputs, in the order of its graph's inputs: tf.nest sorts keys."""
    return sorted(function.structured_input_signature[1])


def output_names(function: Any) -> list[str]:
    """Names of a signature's outputs, in the order of its graph's outputs."""
    return sorted(function.structured_outputs)


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
            _drop(arguments.attr, "_output_shapes")
    for nodes in _node_lists(copy):
        _pin_element_shapes(nodes, batch)
        for node in nodes:
            _rename_functions(node, renamed)
            _drop(node.attr, "_output_shapes")
            if node.op in ("While", "StatelessWhile"):
                _drop(node.attr, "output_shapes")
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


def first_line(error: BaseException, limit: int = 300) -> str:
    """The line that matters of an error's message, which may be a page long."""
    lines = [re.sub(r"\x1b\[\d+m", "", line).strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        return repr(error)
    introductions = ("in user code:", "Exception encountered when calling")
    if len(lines) > 1 and lines[0].startswith(introductions[0]):
        lines = [line for line in lines if "Error:" in line][-1:] or lines[-1:]
    if len(lines) > 1 and lines[0].startswith(introductions[1]):
        lines = [f"{lines[0]} {lines[1]}"]
    return lines[0][:limit]


def _require_freezable(used: Iterable[str]) -> None:
    used = sorted(used)
    for pattern, what in ((_TABLES, "look-up tables"), (_ASSIGNS, "variables that it writes")):
        found = [op for op in used if pattern.search(op)]
        if found:
            raise UnsupportedError(f"it has {what}: {', '.join(found)}")
    python = [op for op in used if op in _PYTHON]
    if python:
        raise UnsupportedError(f"it calls back into Python: {', '.join(python)}")


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


def _drop(attributes: Any, name: str) -> None:
    if name in attributes:
        del attributes[name]


def _rename_functions(node: Any, renamed: dict[str, str]) -> None:
    node.op = renamed.get(node.op, node.op)
    for value in node.attr.values():
        if value.HasField("func"):
            value.func.name = renamed.get(value.func.name, value.func.name)
        for function in value.list.func:
            function.name = renamed.get(function.name, function.name)
