"""Passes: what happens to a graph between reading and lowering, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from aios.compiler.attributes import Scan
from aios.compiler.passes.adopt import adopt
from aios.compiler.passes.attention import fuse_attention
from aios.compiler.passes.cells import absorb_orders, fuse_cells
from aios.compiler.passes.clean import drop_identities, remove_dead
from aios.compiler.passes.convolutions import depthwise_from_groups, fuse_padding, fuse_pooling
from aios.compiler.passes.exactness import mark_exact
from aios.compiler.passes.expressions import canonicalise
from aios.compiler.passes.fold import fold_constants
from aios.compiler.passes.fusing import fuse_epilogues
from aios.compiler.passes.halves import widen_halves
from aios.compiler.passes.layer_norms import fuse_layer_norms
from aios.compiler.passes.loops import recognise_loops
from aios.compiler.passes.merging import merge_elementwise
from aios.compiler.passes.products import use_weights
from aios.compiler.passes.subgraphs import attach_bodies, map_bodies

if TYPE_CHECKING:
    from aios.compiler.graph import Graph, Operator

__all__ = ["PASSES", "optimise"]


Pass = Callable[["Graph"], "Graph"]

#: In order; each returns an equal graph.
PASSES: tuple[Pass, ...] = (
    adopt,
    widen_halves,
    fold_constants,
    use_weights,
    recognise_loops,
    fold_constants,
    drop_identities,
    remove_dead,
    fuse_cells,
    absorb_orders,
    fuse_attention,
    fuse_layer_norms,
    depthwise_from_groups,
    fuse_padding,
    remove_dead,
    canonicalise,
    merge_elementwise,
    fuse_epilogues,
    fuse_pooling,
    remove_dead,
    mark_exact,
)


def optimise(graph: Graph) -> Graph:
    """Returns an equal graph with fewer, larger operators."""
    graph = attach_bodies(graph, graph.subgraphs)
    for change in PASSES:
        graph = change(graph)
    return graph.with_operators(_with_optimised_body(op) for op in graph.operators)


def _with_optimised_body(op: Operator) -> Operator:
    if op.kind != "SCAN":
        return map_bodies(op, optimise)
    scan = op.typed(Scan)
    return replace(op, attributes=replace(scan, body=optimise(scan.body)))
