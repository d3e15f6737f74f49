"""Slices: the same memory where they are dense, else a copy; declined where bounds don't fit."""

import numpy as np
import pytest
from graphs import constant, declined_of, functions_of, graph_of, lowered, tensor

from aios.compiler.graph import Operator

MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


def _strided(shape, begin, end, step, out, **masks):
    bounds = [constant(values, np.int32) for values in (begin, end, step)]
    options = {**dict.fromkeys(MASKS, 0), **masks}
    operator = Operator("STRIDED_SLICE", (0, 1, 2, 3), (4,), options)
    return graph_of([tensor(*shape), *bounds, tensor(*out)], operator)


@pytest.mark.parametrize(
    ("graph", "owner"),
    [
        (_strided((4, 6), [1, 0], [3, 6], [1, 1], (2, 6)), (0, 24)),
        (_strided((4, 6), [-1, 0], [0, 0], [1, 1], (6,), end_mask=2, shrink_axis_mask=1), (0, 72)),
        (_strided((4, 6), [0, 0], [0, 0], [1, 1], (4, 6), begin_mask=3, end_mask=3), (0, 0)),
        (
            _strided((4, 6), [0, 2], [0, 3], [1, 1], (6,), ellipsis_mask=2, shrink_axis_mask=1),
            (0, 0),
        ),
    ],
)
def test_a_dense_part_is_the_same_memory_at_an_offset(graph, owner):
    assert lowered(graph).owner(4) == owner


def test_a_part_of_each_row_is_copied():
    (function,) = functions_of(_strided((4, 6), [0, 1], [4, 3], [1, 1], (4, 2)))
    assert function == "copyAxes<Axes<4, 2>, Axes<6, 1>, Axes<2, 1>>"
    backwards = graph_of(
        [tensor(2, 3), constant([1], np.int32), tensor(2, 3)], Operator("REVERSE_V2", (0, 1), (2,))
    )
    assert functions_of(backwards) == ["copyAxes<Axes<2, 3>, Axes<3, -1>, Axes<3, 1>>"]


def test_bounds_that_do_not_give_the_stated_shape_are_declined():
    told = declined_of(_strided((4, 6), [0, 0], [2, 6], [1, 1], (3, 6)))
    assert told == ["STRIDED_SLICE (bounds that don't give the stated shape)"]


def test_a_begin_that_the_call_computes_is_read_then():
    tensors = [tensor(4, 6), tensor(2, dtype="int32"), constant([2, 6], np.int32), tensor(2, 6)]
    graph = graph_of(tensors, Operator("SLICE", (0, 1, 2), (3,)))
    assert functions_of(graph) == ["sliceAt<Axes<4, 6>, Axes<2, 6>, 0u, Axes<2, 6>, Axes<6, 1>>"]
