"""Operators that are of no use are removed."""

import numpy as np
from graphs import constant, dense_graph, graph_of, tensor

from aios.compiler.graph import Operator
from aios.compiler.passes import optimise
from aios.compiler.passes.clean import drop_identities


def test_operators_that_nobody_reads_are_removed():
    graph = dense_graph(Operator("EXP", (2,), (3,)), outputs=(2,))
    assert [op.kind for op in optimise(graph).operators] == ["FULLY_CONNECTED"]


def test_operators_that_change_nothing_are_removed_and_others_stay():
    tensors = [tensor(2, 2), constant([0, 1], np.int32), constant([1, 0], np.int32)]
    for order, kinds in ((1, []), (2, ["TRANSPOSE"])):
        graph = graph_of([*tensors, tensor(2, 2)], Operator("TRANSPOSE", (0, order), (3,)))
        changed = drop_identities(graph)
        assert [op.kind for op in changed.operators] == kinds
        assert changed.outputs == ((3,) if kinds else (0,))
