"""Passes: what happens to a graph between reading and lowering, in order."""

from __future__ import annotations

from aios.compiler.graph import Graph
from aios.compiler.passes.clean import drop_identities, remove_dead
from aios.compiler.passes.elementwise import canonicalise, merge_elementwise
from aios.compiler.passes.epilogue import fuse_epilogues
from aios.compiler.passes.fold import fold_constants

__all__ = ["optimise"]


def optimise(graph: Graph) -> Graph:
    """Returns an equal graph with fewer, larger operators."""
    graph = fold_constants(graph)
    graph = drop_identities(graph)
    graph = remove_dead(graph)
    graph = canonicalise(graph)
    graph = merge_elementwise(graph)
    graph = fuse_epilogues(graph)
    return remove_dead(graph)
