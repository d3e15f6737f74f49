"""Layer norms, as a converter writes them, become one operator."""

import numpy as np
import pytest
from graphs import constant, graph_of, tensor

from aios.compiler.attributes import LayerNorm
from aios.compiler.graph import Operator
from aios.compiler.passes.layer_norms import fuse_layer_norms

GAMMA, BETA = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])


def _graph(axis=-1, squared="SQUARED_DIFFERENCE"):
    """x · s + (beta - mean · s) with s = gamma / sqrt(mean((x - mean)²) + epsilon)."""
    row, one = tensor(2, 3), tensor(2, 1)
    tensors = [
        row, constant([axis], np.int32), constant(1e-3), constant(GAMMA), constant(BETA),
        one, row, one, one, one, row, row, one, row, row, row,
    ]  # fmt: skip
    kept = {"keep_dims": True}
    return graph_of(
        tensors,
        Operator("MEAN", (0, 1), (5,), kept),
        Operator(squared, (0, 5), (6,)),
        Operator("MEAN", (6, 1), (7,), kept),
        Operator("ADD", (7, 2), (8,)),
        Operator("RSQRT", (8,), (9,)),
        Operator("MUL", (9, 3), (10,)),
        Operator("MUL", (0, 10), (11,)),
        Operator("NEG", (5,), (12,)),
        Operator("MUL", (12, 10), (13,)),
        Operator("ADD", (13, 4), (14,)),
        Operator("ADD", (11, 14), (15,)),
    )


def test_the_operators_of_a_layer_norm_become_one_with_its_weights():
    changed = fuse_layer_norms(_graph())
    norm = changed.producers()[15]
    assert norm.kind == "LAYER_NORM"
    assert norm.typed(LayerNorm).epsilon == pytest.approx(1e-3)
    assert norm.inputs[0] == 0
    np.testing.assert_array_equal(changed.constant(norm.inputs[1]), GAMMA)
    np.testing.assert_array_equal(changed.constant(norm.inputs[2]), BETA)


@pytest.mark.parametrize("options", [{"axis": 0}, {"squared": "MUL"}])
def test_what_is_not_over_the_last_axis_or_no_variance_stays(options):
    changed = fuse_layer_norms(_graph(**options))
    assert changed.producers()[15].kind == "ADD"
