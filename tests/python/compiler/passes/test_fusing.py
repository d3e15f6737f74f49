"""Elementwise operators move into the layer before them."""

from graphs import dense_graph

from aios.compiler.attributes import Fused, fused
from aios.compiler.expression import x
from aios.compiler.graph import Operator
from aios.compiler.passes import optimise


def test_activations_and_residuals_move_into_the_dense_layer():
    graph = dense_graph(Operator("ADD", (2, 0), (3,)), Operator("TANH", (3,), (4,)), outputs=(4,))
    (op,) = optimise(graph).operators
    assert op.kind == "FULLY_CONNECTED"
    assert fused(op) == Fused(("tanh", x(0)), residual=0, residual_after=False)


def test_a_result_that_somebody_else_reads_is_not_fused_away():
    graph = dense_graph(Operator("TANH", (2,), (3,)), outputs=(2, 3))
    assert [op.kind for op in optimise(graph).operators] == ["FULLY_CONNECTED", "ELEMENTWISE"]
