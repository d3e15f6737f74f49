"""Reductions as calls: by vectors where the axes lie together, else by elements."""

import numpy as np
import pytest
from graphs import constant, declined_of, functions_of, graph_of, tensor

from aios.compiler.graph import Operator


def _graph(kind, shape, axes, out, dtype=np.float32):
    tensors = [tensor(*shape, dtype=dtype), constant(axes, np.int32), tensor(*out, dtype=dtype)]
    return graph_of(tensors, Operator(kind, (0, 1), (2,)))


@pytest.mark.parametrize(
    ("kind", "axes", "out", "function"),
    [
        ("SUM", [1], (2, 4), "reduce<Sum, 2, 3, 4>"),
        ("MEAN", [1, 2], (2,), "reduce<Sum, 2, 12, 1, 12>"),
        ("REDUCE_MAX", [-1], (2, 3), "reduce<Largest, 6, 4, 1>"),
        ("SUM", [0, 2], (3,), "reduceAny<Sum, Axes<3>, Axes<4>, Axes<2, 4>, Axes<12, 1>>"),
    ],
)
def test_axes_that_lie_together_are_one(kind, axes, out, function):
    assert functions_of(_graph(kind, (2, 3, 4), axes, out)) == [function]


def test_a_mean_of_integers_and_an_empty_tensor_are_declined():
    assert declined_of(_graph("MEAN", (2, 3), [1], (2,), np.int32)) == ["MEAN (dtype int32)"]
    assert declined_of(_graph("SUM", (0, 3), [1], (0,))) == ["SUM (an empty tensor)"]


def test_axes_of_one_element_need_no_call():
    assert functions_of(_graph("SUM", (2, 1), [1], (2,))) == ["copyBytes<8>"]
