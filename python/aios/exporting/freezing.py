"""Frozen graphs: a signature's function with its variables and tables folded in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aios.errors import UnsupportedError
from aios.exporting.folding import fold
from aios.exporting.graphs import FrozenGraph, operators
from aios.exporting.lookups import rewrite_integer_lookups
from aios.exporting.nodes import Edge, Table, Variable, constant, drop, free_name
from aios.exporting.reasons import reason_of
from aios.exporting.tables import table_nodes

_WRITES = re.compile(
    r"Assign\w*VariableOp|ResourceScatter|ResourceApply|^Assign|ResourceStridedSliceAssign"
    r"|LookupTable(Insert|Remove|Import)"
)
_PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc", "NumpyFunction")
_VARIABLES = ("VarHandleOp", "ReadVariableOp", "VariableV2", "Variable")
_TABLES = ("HashTableV2", "MutableHashTableV2", "MutableDenseHashTableV2")
#: Control flow that may be lowered to TensorFlow 1's, which nothing but TensorFlow reads.
_FUNCTIONAL = ("If", "StatelessIf", "While", "StatelessWhile")
#: A protobuf message can't be larger.
_MAX_BYTES = 2**31 - 1


def freeze(function: Any) -> FrozenGraph:
    """Folds the variables of a signature's ConcreteFunction into constants.

    Functional loops stay functional: LiteRT's converter wants them so, and TensorFlow's
    single-threaded executor runs nothing else.

    Raises:
        UnsupportedError: Names what can't be folded, as variables that are written.
    """
    try:
        return _frozen(function)
    except UnsupportedError:
        raise
    except Exception as error:  # TensorFlow's graphs hold surprises: another graph may do.
        raise UnsupportedError(f"its variables can't be folded in: {reason_of(error)}") from error


def _frozen(function: Any) -> FrozenGraph:
    _require_freezable(set(operators(function.graph.as_graph_def())))
    captured = {inner.op.name: value for value, inner in function.graph.captures}
    inputs = [tensor for tensor in function.inputs if tensor.op.name not in captured]
    graph_def = _reachable(_inlined(function), inputs, function.outputs)
    states = _states(function, graph_def, captured)
    edges = {name: state.edge for name, state in states.items() if state.edge is not None}
    graph_def, asked = fold(graph_def, edges, str(function.name))
    initializers = _put_states(graph_def, states, asked)
    if initializers:
        rewrite_integer_lookups(graph_def, initializers)
        initializers = _without_idle_tables(graph_def, [*inputs, *function.outputs], initializers)
    left = sorted(set(operators(graph_def)).intersection(_VARIABLES))
    if left:
        raise UnsupportedError(f"it still reads variables when frozen: {', '.join(left)}")
    return FrozenGraph(
        graph_def,
        dict(zip(input_names(function), [t.name for t in inputs], strict=True)),
        dict(
            zip(output_names(function), _fetched(graph_def, inputs, function.outputs), strict=True)
        ),
        initializers,
    )


def input_names(function: Any) -> list[str]:
    """Names of a signature's inputs, in the order of its graph's inputs.

    tf.nest sorts keys; a function of a TensorFlow 1 graph has an order of its own.
    """
    return list(
        getattr(function, "_arg_keywords", None) or sorted(function.structured_input_signature[1])
    )


def output_names(function: Any) -> list[str]:
    """Names of a signature's outputs, in the order of its graph's outputs."""
    return sorted(function.structured_outputs)


def _require_freezable(used: Iterable[str]) -> None:
    used = sorted(used)
    written = [op for op in used if _WRITES.search(op)]
    if written:
        raise UnsupportedError(f"it has variables that it writes: {', '.join(written)}")
    python = [op for op in used if op in _PYTHON]
    if python:
        raise UnsupportedError(f"it calls back into Python: {', '.join(python)}")


def _inlined(function: Any) -> Any:
    """The function's GraphDef, the functions that it calls put in the place of the calls."""
    from tensorflow.core.protobuf.config_pb2 import ConfigProto
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
    from tensorflow.python.grappler import tf_optimizer

    graph = MetaGraphDef(graph_def=function.graph.as_graph_def())
    library = graph.graph_def.library.function
    for nodes in (graph.graph_def.node, *(inner.node_def for inner in library)):
        for node in nodes:
            if node.op in _FUNCTIONAL:
                node.attr["_lower_using_switch_merge"].b = False
    for inner in library:
        # A second form of the same function, for other devices, would keep it from being inlined.
        drop(inner.attr, "api_implements")
    # What the optimizer must keep.
    ends = graph.collection_def["train_op"].node_list
    ends.value.extend(tensor.name for tensor in (*function.inputs, *function.outputs))
    config = ConfigProto()
    config.graph_options.rewrite_options.min_graph_nodes = -1
    config.graph_options.rewrite_options.optimizers.append("function")
    return tf_optimizer.OptimizeGraph(config, graph)


def _reachable(graph_def: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
    """The nodes that the outputs need; a placeholder that isn't an input becomes its default."""
    from tensorflow.core.framework.graph_pb2 import GraphDef

    fed = {tensor.op.name for tensor in inputs}
    found = _needed(graph_def, [*fed, *(tensor.op.name for tensor in outputs)])
    reachable = GraphDef(versions=graph_def.versions, library=graph_def.library)
    reachable.node.extend(node for node in graph_def.node if node.name in found)
    for node in reachable.node:
        # A place beside a node that may be gone.
        drop(node.attr, "_class")
        if node.op == "PlaceholderWithDefault" and node.name not in fed:
            node.op = "Identity"
            node.attr["T"].type = node.attr["dtype"].type
            drop(node.attr, "dtype")
            drop(node.attr, "shape")
    return reachable


def _needed(graph_def: Any, ends: Iterable[str], *, control: bool = True) -> set[str]:
    """Names of the nodes that those of `ends` take from, or wait for, themselves too."""
    nodes = {node.name: node for node in graph_def.node}
    wanted = list(ends)
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += [
                operand.removeprefix("^").split(":")[0]
                for operand in nodes[name].input
                if control or not operand.startswith("^")
            ]
    return found


def _without_idle_tables(
    graph_def: Any, ends: Sequence[Any], initializers: Sequence[str]
) -> tuple[str, ...]:
    """Removes tables that nothing asks any more; returns what fills those that are left.

    What only waits for a table's handle needn't.
    """
    nodes = {node.name: node for node in graph_def.node}
    names = [tensor.op.name for tensor in ends]
    asked = _needed(graph_def, names, control=False)
    left = tuple(name for name in initializers if nodes[name].input[0] in asked)
    idle = {nodes[name].input[0] for name in initializers} - asked
    for node in graph_def.node:
        if any(operand.split(":")[0] in idle for operand in node.input):
            idle.add(node.name)
    for node in graph_def.node:
        kept = [operand for operand in node.input if operand.removeprefix("^") not in idle]
        if len(kept) < len(node.input) and node.name not in idle:
            del node.input[:]
            node.input.extend(kept)
    needed = _needed(graph_def, [*names, *left])
    for index in reversed(range(len(graph_def.node))):
        if graph_def.node[index].name not in needed:
            del graph_def.node[index]
    return left


def _fetched(graph_def: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> list[str]:
    """The outputs' names; an input passed on gets one of its own: a session fetches none it fed."""
    fed = {tensor.name for tensor in inputs}
    taken = {node.name for node in graph_def.node}
    names = []
    for tensor in outputs:
        name = tensor.name
        if name in fed:
            name = free_name(f"{tensor.op.name}/passed_on", taken)
            taken.add(name)
            node = graph_def.node.add(name=name, op="Identity", input=[tensor.name])
            node.attr["T"].type = tensor.dtype.as_datatype_enum
            name += ":0"
        names.append(name)
    return names


@dataclass(frozen=True, slots=True)
class _State:
    """What a node gives that is kept outside the graph: an eager value, or a table's handle."""

    value: Any
    edge: Edge | None


def _states(function: Any, graph_def: Any, captured: dict[str, Any]) -> dict[str, _State]:
    variables = {id(variable.handle): variable for variable in function.graph.variables}
    states = {}
    for node in graph_def.node:
        if node.name in captured:
            states[node.name] = _captured(node.name, captured[node.name], variables)
        elif node.op in ("VariableV2", *_TABLES):
            edge = None if node.op == "VariableV2" else Table(node.name)
            states[node.name] = _State(_state_of(function, node.name), edge)
    return states


def _captured(name: str, value: Any, variables: dict[int, Any]) -> _State:
    variable = variables.get(id(value))
    if variable is not None:
        value = variable.read_value()
        return _State(value, Variable(value.dtype.as_datatype_enum, tuple(value.shape)))
    return _State(value, Table(name) if value.dtype.name == "resource" else None)


def _state_of(function: Any, name: str) -> Any:
    """A variable's value, or a table's handle, in a function of a TensorFlow 1 graph."""
    import tensorflow as tf

    with function.graph.as_default():
        tensor = tf.identity(function.graph.get_tensor_by_name(f"{name}:0"))
    return function.prune([], [tensor])()[0]


def _put_states(
    graph_def: Any, states: Mapping[str, _State], asked: Mapping[str, set[tuple[int, int]]]
) -> tuple[str, ...]:
    """Puts constants and tables in the places of the states; returns what fills the tables."""
    kept = [state.value for state in states.values() if not isinstance(state.edge, Table)]
    if sum(value.dtype.size * value.shape.num_elements() for value in kept) > _MAX_BYTES:
        raise UnsupportedError("its weights don't fit one graph file")
    places = {node.name: index for index, node in enumerate(graph_def.node)}
    initializers = []
    for name, state in states.items():
        if isinstance(state.edge, Table):
            table, *others = table_nodes(name, state.value, asked.get(name, set()))
            graph_def.node[places[name]].CopyFrom(table)
            graph_def.node.extend(others)
            initializers.append(others[-1].name)
        else:
            dtype = state.value.dtype.as_datatype_enum
            graph_def.node[places[name]].CopyFrom(constant(name, state.value.numpy(), dtype))
    return tuple(initializers)
