"""Folds a graph's variables into constants, through every function that they are passed to.

What was a handle of a variable becomes the variable's value, on the same edges of the graph. A
function that is given handles is copied for the types of its arguments, because another call may
give it others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aios.errors import UnsupportedError
from aios.exporting.nodes import (
    Edge,
    Edges,
    Table,
    Variable,
    constant,
    control_operands,
    copy_of,
    data_operands,
    drop,
    free_name,
    functions_in,
    replaced,
    reshape_all,
    resource_type,
    retype,
    retype_all,
    retype_arguments,
)

#: Operators that pass their first operand on, with the attribute that is its type.
_PASSING = dict.fromkeys(
    ("Identity", "Enter", "Exit", "NextIteration", "Switch", "_SwitchN", "Merge"), "T"
)
#: Operators that pass each operand on at the same place.
_PASSING_ALL = ("IdentityN", "While", "StatelessWhile")


@dataclass(frozen=True, slots=True)
class _Caller:
    """How an operator calls functions: its first operand that they get, and its attributes."""

    first: int
    types: str
    functions: tuple[str, ...]


_LOOP = _Caller(0, "T", ("cond", "body"))
_BRANCH = _Caller(1, "Tin", ("then_branch", "else_branch"))
_CASE = _Caller(1, "Tin", ("branches",))
_CALL = _Caller(0, "Tin", ("f",))
_CALLERS = {
    "While": _LOOP,
    "StatelessWhile": _LOOP,
    "If": _BRANCH,
    "StatelessIf": _BRANCH,
    "Case": _CASE,
    "StatelessCase": _CASE,
    "PartitionedCall": _CALL,
    "StatefulPartitionedCall": _CALL,
}


def fold(
    graph_def: Any, edges: Mapping[str, Edge], salt: str
) -> tuple[Any, dict[str, set[tuple[int, int]]]]:
    """Rewrites what uses the handles that the named nodes give; the nodes themselves stay.

    Functions get names of their own, which tell their content and `salt`: TensorFlow takes no two
    of one name, and its converter fails where two signatures share one.

    Returns:
        The graph; and the types of keys and values with which each look-up table is asked.

    Raises:
        UnsupportedError: A variable is used by an operator that has no form for constants.
    """
    folder = _Folder(graph_def, salt)
    return folder.graph(edges), folder.asked


@dataclass(slots=True)
class _Function:
    """A function as it was specialised: its new name, and what it returns."""

    name: str
    returns: list[Edge | None]


@dataclass(slots=True)
class _Body:
    """The nodes of the graph or of one function, and what is known of their operands."""

    nodes: dict[str, Any]
    arguments: Mapping[str, Edge]
    local: bool
    #: Outputs by another name, as "read:value" → "read:output".
    renamed: dict[str, str] = field(default_factory=dict)


class _Folder:
    def __init__(self, graph_def: Any, salt: str) -> None:
        self._salt = salt.encode()
        self.asked: dict[str, set[tuple[int, int]]] = {}
        self._graph_def = graph_def
        self._functions = {f.signature.name: f for f in graph_def.library.function}
        self._made: dict[tuple[str, tuple[Edge | None, ...]], _Function] = {}
        self._library: dict[str, Any] = {}

    def graph(self, edges: Mapping[str, Edge]) -> Any:
        from tensorflow.core.framework.graph_pb2 import GraphDef

        folded = GraphDef(versions=self._graph_def.versions)
        body = _Body({node.name: node for node in self._graph_def.node}, edges, local=False)
        folded.node.extend(self._nodes(body))
        folded.library.function.extend(self._library.values())
        return folded

    def _nodes(self, body: _Body) -> list[Any]:
        made = [new for node in body.nodes.values() for new in self._node(body, node)]
        for node in made:
            for index, operand in enumerate(node.input):
                node.input[index] = _renamed(body, operand)
        return made

    def _node(self, body: _Body, node: Any) -> Iterator[Any]:
        edges = [self._edge(body, operand) for operand in data_operands(node)]
        copy = copy_of(node)
        caller = _CALLERS.get(node.op, _CALL if node.op in self._functions else None)
        if caller is not None:
            self._call(copy, edges, caller)
        elif any(isinstance(edge, Variable) for edge in edges):
            yield from self._use(body, copy, edges)
            return
        else:
            self._note_table(node, edges)
            for function in functions_in(copy):
                function.name = self._specialised(function.name, ()).name
        yield copy

    def _use(self, body: _Body, node: Any, edges: Edges) -> Iterator[Any]:
        """A variable's user, as one of its value."""
        if node.op in _PASSING and isinstance(edges[0], Variable):
            retype(node, _PASSING[node.op], 0, edges[0])
            yield node
        elif node.op == "IdentityN":
            retype_all(node, "T", edges)
            yield node
        elif node.op in _USES and isinstance(edges[0], Variable):
            output, nodes = _USES[node.op](node, edges[0], body)
            body.renamed[f"{node.name}:{output}"] = f"{node.name}:output"
            yield from nodes
        else:
            raise UnsupportedError(
                f"its variables can't be folded in: '{node.name}' ({node.op}) takes a variable"
            )

    def _call(self, node: Any, edges: Edges, caller: _Caller) -> None:
        for function in self._called(node, caller):
            function.name = self._specialised(function.name, edges[caller.first :]).name
        if node.op in self._functions:
            node.op = self._specialised(node.op, edges).name
        elif caller.types in node.attr:
            retype_all(node, caller.types, edges[caller.first :])
        if any(isinstance(edge, Variable) for edge in edges):
            if node.op in _PASSING_ALL:
                reshape_all(node.attr["output_shapes"].list.shape, edges)
            drop(node.attr, "_output_shapes")

    def _called(self, node: Any, caller: _Caller) -> Iterator[Any]:
        for name in caller.functions:
            if name in node.attr:
                value = node.attr[name]
                yield from [value.func] if value.HasField("func") else value.list.func

    def _specialised(self, name: str, edges: Edges) -> _Function:
        """The function for these arguments, made once; its name tells its content."""
        key = (name, tuple(edges) if any(edges) else ())
        if key not in self._made:
            function = self._functions[name]
            arguments = [arg.name for arg in function.signature.input_arg]
            known = {
                argument: edge
                for argument, edge in zip(arguments, edges, strict=False)
                if edge is not None
            }
            self._made[key] = self._specialise(function, known)
        return self._made[key]

    def _specialise(self, function: Any, known: Mapping[str, Edge]) -> _Function:
        from tensorflow.core.framework.function_pb2 import FunctionDef

        body = _Body({node.name: node for node in function.node_def}, known, local=True)
        outputs = [arg.name for arg in function.signature.output_arg]
        returns = [self._edge(body, function.ret[output]) for output in outputs]
        copy = FunctionDef()
        copy.CopyFrom(function)
        del copy.node_def[:]
        copy.node_def.extend(self._nodes(body))
        for output, operand in function.ret.items():
            copy.ret[output] = _renamed(body, operand)
        for arg, edge in zip(copy.signature.output_arg, returns, strict=True):
            if isinstance(edge, Variable):
                arg.type = edge.dtype
        retype_arguments(copy, known)
        copy.signature.name = ""
        digest = hashlib.sha256(self._salt + copy.SerializeToString(deterministic=True))
        copy.signature.name = f"{function.signature.name}_{digest.hexdigest()[:12]}"
        self._library[copy.signature.name] = copy
        return _Function(copy.signature.name, returns)

    def _edge(self, body: _Body, operand: str) -> Edge | None:
        """What an operand carries, if that is a handle: "x", "x:1", or in a function "x:out:1"."""
        name, _, rest = operand.partition(":")
        if name in body.arguments:
            return body.arguments[name]
        node = body.nodes.get(name)
        if node is None:
            return None
        index = int(rest.rpartition(":")[2] or 0)
        if node.op in _PASSING:
            return self._edge(body, node.input[0])
        if node.op in _PASSING_ALL:
            return self._edge(body, node.input[index])
        return self._returned(body, node, index)

    def _returned(self, body: _Body, node: Any, index: int) -> Edge | None:
        caller = _CALLERS.get(node.op, _CALL if node.op in self._functions else None)
        if caller is None:
            return None
        names = [f.name for f in self._called(node, caller)] or [node.op]
        returned = self._functions[names[0]].signature.output_arg
        if returned[index].type != resource_type():
            return None
        edges = [self._edge(body, operand) for operand in data_operands(node)][caller.first :]
        return self._specialised(names[0], edges).returns[index]

    def _note_table(self, node: Any, edges: Edges) -> None:
        if node.op == "LookupTableFindV2" and isinstance(edges[0], Table):
            types = (node.attr["Tin"].type, node.attr["Tout"].type)
            self.asked.setdefault(edges[0].name, set()).add(types)


_Use = Callable[[Any, Variable, _Body], tuple[str, list[Any]]]


def _read(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    del body
    return "value", [replaced(node, "Identity", node.input, T=edge.dtype)]


def _gather(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    axis = constant(free_name(f"{node.name}/axis", body.nodes), node.attr["batch_dims"].i)
    index_type = node.attr["Tindices"].type
    gather = replaced(
        node,
        "GatherV2",
        [
            *data_operands(node),
            f"{axis.name}:output:0" if body.local else axis.name,
            *control_operands(node),
        ],
        Tparams=edge.dtype,
        Tindices=index_type,
        Taxis=axis.attr["dtype"].type,
    )
    gather.attr["batch_dims"].i = node.attr["batch_dims"].i
    return "output", [axis, gather]


def _gather_nd(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    del body
    index_type = node.attr["Tindices"].type
    return "output", [
        replaced(node, "GatherNd", node.input, Tparams=edge.dtype, Tindices=index_type)
    ]


def _shape(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    del body
    types = {"T": edge.dtype, "out_type": node.attr["out_type"].type}
    return "output", [replaced(node, "Shape", node.input, **types)]


def _initialized(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    del edge, body
    true = constant(node.name, True)
    true.input.extend(control_operands(node))
    return "is_initialized", [true]


def _nothing(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    del edge, body
    return "", [replaced(node, "NoOp", control_operands(node))]


#: What reads a variable: the name of its output, and what takes its place.
_USES: dict[str, _Use] = {
    "ReadVariableOp": _read,
    "ResourceGather": _gather,
    "ResourceGatherNd": _gather_nd,
    "VariableShape": _shape,
    "VarIsInitializedOp": _initialized,
    "DisableCopyOnRead": _nothing,
}


def _renamed(body: _Body, operand: str) -> str:
    output, _, index = operand.rpartition(":")
    return f"{body.renamed[output]}:{index}" if output in body.renamed else operand
