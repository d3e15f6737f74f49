"""Folds a graph's variables into constants, through every function that they are passed to.

What was a handle of a variable becomes the variable's value, on the same edges of the graph. A
function that is given handles is copied for the types of its arguments, because another call may
give it others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aios.errors import UnsupportedError


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
_Edges = Sequence[Edge | None]

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
        edges = [self._edge(body, operand) for operand in _data(node)]
        copy = _copy(node)
        caller = _CALLERS.get(node.op, _CALL if node.op in self._functions else None)
        if caller is not None:
            self._call(copy, edges, caller)
        elif any(isinstance(edge, Variable) for edge in edges):
            yield from self._use(body, copy, edges)
            return
        else:
            self._note_table(node, edges)
            for function in _functions_in(copy):
                function.name = self._specialised(function.name, ()).name
        yield copy

    def _use(self, body: _Body, node: Any, edges: _Edges) -> Iterator[Any]:
        """A variable's user, as one of its value."""
        if node.op in _PASSING and isinstance(edges[0], Variable):
            _retype(node, _PASSING[node.op], 0, edges[0])
            yield node
        elif node.op == "IdentityN":
            _retype_all(node, "T", edges)
            yield node
        elif node.op in _USES and isinstance(edges[0], Variable):
            output, nodes = _USES[node.op](node, edges[0], body)
            body.renamed[f"{node.name}:{output}"] = f"{node.name}:output"
            yield from nodes
        else:
            raise UnsupportedError(
                f"its variables can't be folded in: '{node.name}' ({node.op}) takes a variable"
            )

    def _call(self, node: Any, edges: _Edges, caller: _Caller) -> None:
        for function in self._called(node, caller):
            function.name = self._specialised(function.name, edges[caller.first :]).name
        if node.op in self._functions:
            node.op = self._specialised(node.op, edges).name
        elif caller.types in node.attr:
            _retype_all(node, caller.types, edges[caller.first :])
        if any(isinstance(edge, Variable) for edge in edges):
            if node.op in _PASSING_ALL:
                _reshape_all(node.attr["output_shapes"].list.shape, edges)
            drop(node.attr, "_output_shapes")

    def _called(self, node: Any, caller: _Caller) -> Iterator[Any]:
        for name in caller.functions:
            if name in node.attr:
                value = node.attr[name]
                yield from [value.func] if value.HasField("func") else value.list.func

    def _specialised(self, name: str, edges: _Edges) -> _Function:
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
        _retype_arguments(copy, known)
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
        if returned[index].type != _resource():
            return None
        edges = [self._edge(body, operand) for operand in _data(node)][caller.first :]
        return self._specialised(names[0], edges).returns[index]

    def _note_table(self, node: Any, edges: _Edges) -> None:
        if node.op == "LookupTableFindV2" and isinstance(edges[0], Table):
            types = (node.attr["Tin"].type, node.attr["Tout"].type)
            self.asked.setdefault(edges[0].name, set()).add(types)


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


_Use = Callable[[Any, Variable, _Body], tuple[str, list[Any]]]


def _read(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    del body
    return "value", [_replaced(node, "Identity", node.input, T=edge.dtype)]


def _gather(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    axis = constant(free_name(f"{node.name}/axis", body.nodes), node.attr["batch_dims"].i)
    index_type = node.attr["Tindices"].type
    gather = _replaced(
        node,
        "GatherV2",
        [*_data(node), f"{axis.name}:output:0" if body.local else axis.name, *_control(node)],
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
        _replaced(node, "GatherNd", node.input, Tparams=edge.dtype, Tindices=index_type)
    ]


def _shape(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    del body
    types = {"T": edge.dtype, "out_type": node.attr["out_type"].type}
    return "output", [_replaced(node, "Shape", node.input, **types)]


def _initialized(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    del edge, body
    true = constant(node.name, True)
    true.input.extend(_control(node))
    return "is_initialized", [true]


def _nothing(node: Any, edge: Variable, body: _Body) -> tuple[str, list[Any]]:
    del edge, body
    return "", [_replaced(node, "NoOp", _control(node))]


#: What reads a variable: the name of its output, and what takes its place.
_USES: dict[str, _Use] = {
    "ReadVariableOp": _read,
    "ResourceGather": _gather,
    "ResourceGatherNd": _gather_nd,
    "VariableShape": _shape,
    "VarIsInitializedOp": _initialized,
    "DisableCopyOnRead": _nothing,
}


def _replaced(node: Any, op: str, operands: Iterable[str], **types: int) -> Any:
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    new = NodeDef(name=node.name, op=op, input=operands, device=node.device)
    for name, dtype in types.items():
        new.attr[name].type = dtype
    return new


def _retype(node: Any, attribute: str, index: int, edge: Variable) -> None:
    value = node.attr[attribute]
    if value.HasField("list"):
        value.list.type[index] = edge.dtype
    else:
        value.type = edge.dtype
    drop(node.attr, "_output_shapes")


def _retype_all(node: Any, attribute: str, edges: _Edges) -> None:
    for index, edge in enumerate(edges):
        if isinstance(edge, Variable):
            _retype(node, attribute, index, edge)


def _retype_arguments(function: Any, known: Mapping[str, Edge]) -> None:
    edges = [known.get(arg.name) for arg in function.signature.input_arg]
    if "_input_shapes" in function.attr:
        _reshape_all(function.attr["_input_shapes"].list.shape, edges)
    for index, (arg, edge) in enumerate(zip(function.signature.input_arg, edges, strict=True)):
        if not isinstance(edge, Variable):
            continue
        arg.type = edge.dtype
        drop(function.resource_arg_unique_id, index)
        drop(function.arg_attr[index].attr, "_output_shapes")


def _reshape_all(shapes: Any, edges: _Edges) -> None:
    for shape, edge in zip(shapes, edges, strict=False):
        if isinstance(edge, Variable):
            shape.Clear()
            for size in edge.shape:
                shape.dim.add().size = size


def _functions_in(node: Any) -> Iterator[Any]:
    """References to functions of an operator that gives them no operands."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func
        yield from value.list.func


def _renamed(body: _Body, operand: str) -> str:
    output, _, index = operand.rpartition(":")
    return f"{body.renamed[output]}:{index}" if output in body.renamed else operand


def _data(node: Any) -> list[str]:
    return [operand for operand in node.input if not operand.startswith("^")]


def _control(node: Any) -> list[str]:
    return [operand for operand in node.input if operand.startswith("^")]


def _copy(node: Any) -> Any:
    copy = type(node)()
    copy.CopyFrom(node)
    return copy


def _resource() -> int:
    from tensorflow.core.framework.types_pb2 import DT_RESOURCE

    return int(DT_RESOURCE)
