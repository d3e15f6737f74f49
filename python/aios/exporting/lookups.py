"""Look-ups of integers in constant tables, as arithmetic that every engine has.

Where the keys lie close together, a key is a place in an array, behind a place for all smaller
ones and before one for all larger ones. Where they don't, a key is compared with each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aios.bundle.comparison import Array
from aios.exporting.nodes import constant

#: An array of so many entries is small beside a model.
_MOST_PLACES = 1 << 16
#: More comparisons cost more than they are worth.
_MOST_COMPARED = 1024
_PASSING = ("Identity", "StopGradient")


def rewrite_integer_lookups(graph_def: Any, initializers: Sequence[str]) -> None:
    """Puts arithmetic in the place of the graph's look-ups of integers; its functions stay.

    Args:
        graph_def: A graph whose tables are filled by the operations `initializers`.
        initializers: The operations.
    """
    nodes = {node.name: node for node in graph_def.node}
    fills = {nodes[name].input[0]: nodes[name] for name in initializers}
    for node in [node for node in nodes.values() if node.op == "LookupTableFindV2"]:
        fill = fills.get(_origin(nodes, node.input[0]).name)
        default = _origin(nodes, node.input[2])
        if fill is None or default.op != "Const":
            continue
        keys, values = (_value(_origin(nodes, operand)) for operand in fill.input[1:3])
        made = _arithmetic(node, keys, values, _value(default))
        if made:
            node.CopyFrom(made[-1])
            graph_def.node.extend(made[:-1])


def _arithmetic(find: Any, keys: Array, values: Array, default: Array) -> list[Any]:
    """Nodes that answer as the look-up does, the last one in its place; none where they can't."""
    limits = np.iinfo(keys.dtype) if keys.dtype.kind == "i" else None
    if limits is None or values.dtype.kind not in "biuf" or default.ndim or not len(keys):
        return []
    least, most = int(keys.min()), int(keys.max())
    roomy = limits.min < least and most < limits.max
    if roomy and most - least < _MOST_PLACES:
        return _by_place(find, keys, values, default)
    return _by_comparison(find, keys, values, default) if len(keys) <= _MOST_COMPARED else []


def _by_place(find: Any, keys: Array, values: Array, default: Array) -> list[Any]:
    first, last = int(keys.min()) - 1, int(keys.max()) + 1
    places = np.full(last - first + 1, default, values.dtype)
    places[keys - first] = values
    write = _Writer(find)
    kind = find.attr["Tin"].type
    bounds = [write.constant(part, np.asarray(bound, keys.dtype)) for part, bound in
              (("first", first), ("last", last))]  # fmt: skip
    above = write.node("Maximum", [find.input[1], bounds[0]], T=kind)
    within = write.node("Minimum", [above, bounds[1]], T=kind)
    offset = write.node("Sub", [within, bounds[0]], T=kind)
    return write.gather(places, write.cast(offset, kind))


def _by_comparison(find: Any, keys: Array, values: Array, default: Array) -> list[Any]:
    write = _Writer(find)
    kind = find.attr["Tin"].type
    behind = write.constant("behind", np.asarray(-1, np.int32))
    asked = write.node("ExpandDims", [find.input[1], behind], T=kind, Tdim=_INT32)
    equal = write.node("Equal", [asked, write.constant("keys", keys)], T=kind)
    order = write.constant("order", np.arange(1, len(keys) + 1, dtype=np.int32))
    hits = write.node("Mul", [write.cast(equal, _BOOL), order], T=_INT32)
    place = write.node("Sum", [hits, behind], T=_INT32, Tidx=_INT32)
    return write.gather(np.concatenate([[default], values]).astype(values.dtype), place)


class _Writer:
    """Writes nodes below the name of the one that they stand for."""

    def __init__(self, find: Any) -> None:
        self._find = find
        self._made: list[Any] = []

    def node(self, op: str, operands: list[str], **types: int) -> str:
        from tensorflow.core.framework.node_def_pb2 import NodeDef

        made = NodeDef(name=f"{self._find.name}/{op}", op=op, input=operands)
        for name, dtype in types.items():
            made.attr[name].type = dtype
        self._made.append(made)
        return str(made.name)

    def constant(self, part: str, value: Array) -> str:
        self._made.append(constant(f"{self._find.name}/{part}", value))
        return str(self._made[-1].name)

    def cast(self, operand: str, kind: int) -> str:
        return self.node("Cast", [operand], SrcT=kind, DstT=_INT32)

    def gather(self, values: Array, place: str) -> list[Any]:
        """The nodes, the last of which takes the place of the look-up."""
        operands = [self.constant("values", values), place,
                    self.constant("axis", np.asarray(0, np.int32))]  # fmt: skip
        control = [operand for operand in self._find.input if operand.startswith("^")]
        self.node("GatherV2", [*operands, *control],
                  Tparams=self._find.attr["Tout"].type, Tindices=_INT32, Taxis=_INT32)  # fmt: skip
        self._made[-1].name = self._find.name
        return self._made


def _origin(nodes: Mapping[str, Any], operand: str) -> Any:
    node = nodes[operand.split(":", maxsplit=1)[0]]
    while node.op in _PASSING:
        node = nodes[node.input[0].split(":")[0]]
    return node


def _value(node: Any) -> Array:
    from tensorflow.python.framework import tensor_util

    value: Array = tensor_util.MakeNdarray(node.attr["value"].tensor)
    return value


#: Of types.proto.
_INT32, _BOOL = 3, 10
