"""Normalisations as calls."""

import numpy as np
from graphs import constant, declined_of, functions_of, graph_of, tensor

from aios.compiler.attributes import LayerNorm
from aios.compiler.graph import Operator


def test_a_layer_norm_is_of_rows_and_has_its_epsilon_in_bits():
    tensors = [tensor(2, 3, 4), constant(np.ones(4)), constant(np.zeros(4)), tensor(2, 3, 4)]
    operator = Operator("LAYER_NORM", (0, 1, 2), (3,), attributes=LayerNorm(1e-3))
    bits = int(np.float32(1e-3).view(np.uint32))
    assert functions_of(graph_of(tensors, operator)) == [f"layerNorm<6, 4, {bits}u>"]


def test_a_length_is_of_the_last_axis_and_takes_no_activation():
    tensors = [tensor(2, 3, 4), tensor(2, 3, 4)]
    plain = Operator("L2_NORMALIZATION", (0,), (1,))
    assert functions_of(graph_of(tensors, plain)) == ["l2Normalise<6, 4>"]
    active = Operator("L2_NORMALIZATION", (0,), (1,), {"fused_activation_function": 1})
    assert declined_of(graph_of(tensors, active)) == ["L2_NORMALIZATION (a fused activation)"]
