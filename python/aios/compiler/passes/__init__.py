"""Passes: what happens to a graph between reading and lowering, in order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aios.compiler.passes.adopt import adopt
from aios.compiler.passes.attention import fuse_attention
from aios.compiler.passes.cells import absorb_orders, fuse_cells
from aios.compiler.passes.clean import drop_identities, remove_dead
from aios.compiler.passes.control import attach_bodies, map_bodies
from aios.compiler.passes.elementwise import merge_elementwise
from aios.compiler.passes.epilogue import fuse_epilogues
from aios.compiler.passes.exactness import mark_exact
from aios.compiler.passes.expressions import canonicalise
from aios.compiler.passes.fold import fold_constants
from aios.compiler.passes.halves import widen_halves
from aios.compiler.passes.loops import recognise_loops
from aios.compiler.passes.normalization import fuse_layer_norms
from aios.compiler.passes.products import use_weights
from aios.compiler.passes.window import depthwise_from_groups, fuse_padding, fuse_pooling

if TYPE_CHECKING:
    from aios.compiler.graph import Graph, Operator, Scan

__all__ = ["optimise"]


def optimise(graph: Graph) -> Graph:
    """Returns an equal graph with fewer, larger operators."""
    graph = widen_halves(adopt(attach_bodies(graph, graph.subgraphs)))
    graph = use_weights(fold_constants(graph))
    graph = fold_constants(recognise_loops(graph))
    graph = drop_identities(graph)
    graph = remove_dead(graph)
    graph = absorb_orders(fuse_cells(graph))
    graph = fuse_attention(graph)
    graph = fuse_layer_norms(graph)
    graph = fuse_padding(depthwise_from_groups(graph))
    graph = remove_dead(graph)
    graph = canonicalise(graph)
    graph = merge_elementwise(graph)
    graph = fuse_epilogues(graph)
    graph = fuse_pooling(graph)
    graph = mark_exact(remove_dead(graph))
    return graph.with_operators(_with_optimised_body(op) for op in graph.operators)


def _with_optimised_body(op: Operator) -> Operator:
    if op.kind != "SCAN":
        return map_bodies(op, optimise)
    scan: Scan = op["scan"]
    return replace(op, attributes={"scan": replace(scan, body=optimise(scan.body))})
