"""Products by constants are dense layers, and what is added behind one is its bias."""

import numpy as np
from graphs import constant, graph_of, tensor

from aios.compiler.graph import MISSING, Operator
from aios.compiler.passes.products import use_weights

WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4)


def _graph(adjoint_y, bias_shape=(4,)):
    weights = WEIGHTS.T if adjoint_y else WEIGHTS
    tensors = [
        tensor(2, 3), constant(weights), tensor(2, 4), constant(np.ones(bias_shape)), tensor(2, 4),
    ]  # fmt: skip
    options = {"adj_x": False, "adj_y": adjoint_y}
    return graph_of(
        tensors,
        Operator("BATCH_MATMUL", (0, 1), (2,), options),
        Operator("ADD", (3, 2), (4,), {"fused_activation_function": 1}),
    )


def test_weights_are_rows_of_the_output_and_the_added_row_is_the_bias():
    for adjoint in (False, True):
        changed = use_weights(_graph(adjoint))
        (layer,) = changed.operators
        assert (layer.kind, layer.outputs) == ("FULLY_CONNECTED", (4,))
        np.testing.assert_array_equal(changed.constant(layer.inputs[1]), WEIGHTS.T)
        assert layer.inputs[2] == 3
        assert layer["fused_activation_function"] == 1


def test_what_is_added_to_each_element_is_no_bias():
    layer, added = use_weights(_graph(False, (2, 4))).operators
    assert layer.inputs[2] == MISSING
    assert added.kind == "ADD"


def test_a_product_of_activations_stays():
    graph = graph_of(
        [tensor(2, 3), tensor(3, 2)], Operator("BATCH_MATMUL", (0, 0), (1,), {"adj_x": True})
    )
    assert use_weights(graph).operators[0].kind == "BATCH_MATMUL"
