"""Shapes that a file leaves open follow from the inputs."""

import numpy as np
import pytest
from graphs import constant, graph_of, tensor

from aios.compiler.graph import Operator, Rewriter
from aios.compiler.passes.shape_rules import infer_shape


def _inferred(kind, inputs, rank, **options):
    out = len(inputs)
    operator = Operator(kind, tuple(range(out)), (out,), options)
    rewriter = Rewriter(graph_of([*inputs, tensor(*[-1] * rank)], operator))
    infer_shape(rewriter, operator)
    return rewriter.tensors[out].shape


def _whole(*values):
    return constant(values, np.int32)


@pytest.mark.parametrize(
    ("kind", "inputs", "options", "shape"),
    [
        ("ADD", [tensor(2, 1), tensor(3)], {}, (2, 3)),
        ("TANH", [tensor(2, 3)], {}, (2, 3)),
        ("RESHAPE", [tensor(2, 6), _whole(3, -1)], {}, (3, 4)),
        ("CONCATENATION", [tensor(2, 3), tensor(2, 4)], {"axis": -1}, (2, 7)),
        ("PACK", [tensor(2, 3), tensor(2, 3)], {"axis": 1}, (2, 2, 3)),
        ("TRANSPOSE", [tensor(2, 3, 4), _whole(2, 0, 1)], {}, (4, 2, 3)),
        ("GATHER", [tensor(5, 6), tensor(3, dtype="int32")], {"axis": 1}, (5, 3)),
        ("FULLY_CONNECTED", [tensor(2, 3, 4), tensor(5, 4)], {"keep_num_dims": True}, (2, 3, 5)),
        ("FULLY_CONNECTED", [tensor(2, 3, 4), tensor(5, 4)], {}, (6, 5)),
        ("BATCH_MATMUL", [tensor(2, 3, 4), tensor(5, 4)], {"adj_y": True}, (2, 3, 5)),
        ("SUM", [tensor(2, 3, 4), _whole(-1)], {}, (2, 3)),
        ("MEAN", [tensor(2, 3, 4), _whole(0, 1)], {"keep_dims": True}, (1, 1, 4)),
        ("SLICE", [tensor(5, 6), _whole(1, 2), _whole(-1, 3)], {}, (4, 3)),
        ("PAD", [tensor(2, 3), constant([[1, 0], [2, 2]], np.int32)], {}, (3, 7)),
        ("TILE", [tensor(2, 3), _whole(2, 1)], {}, (4, 3)),
        ("FILL", [_whole(2, 2), constant(0.0)], {}, (2, 2)),
    ],
)
def test_a_shape_follows_from_the_inputs(kind, inputs, options, shape):
    assert _inferred(kind, inputs, len(shape), **options) == shape


def test_what_is_not_known_stays_open():
    assert _inferred("TRANSPOSE", [tensor(2, 3), tensor(2, dtype="int32")], 2) == (-1, -1)
    assert _inferred("TANH", [tensor(-1, 3)], 2) == (-1, -1)
    assert _inferred("NO_SUCH", [tensor(2, 3)], 2) == (-1, -1)
