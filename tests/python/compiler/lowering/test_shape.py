"""Moves between memory: parts that lie where they are needed need none."""

import numpy as np
from graphs import constant, declined_of, functions_of, graph_of, lowered, tensor

from aios.compiler.attributes import Elementwise
from aios.compiler.graph import Operator

EXP = Elementwise(("exp", ("x", 0)))


def test_parts_that_are_computed_are_written_into_the_whole():
    graph = graph_of(
        [tensor(2, 3), tensor(2, 3), tensor(4, 3)],
        Operator("ELEMENTWISE", (0,), (1,), attributes=EXP),
        Operator("CONCATENATION", (1, 0), (2,), {"axis": 0}),
    )
    assert lowered(graph).owner(1) == (2, 0)
    first, second = functions_of(graph)
    assert first.startswith("Elementwise")
    assert second == "copyAxes<Axes<6>, Axes<1>, Axes<1>>", "the caller's memory is copied"


def test_parts_of_rows_are_copied_each_into_its_place():
    graph = graph_of(
        [tensor(2, 3), tensor(2, 6)], Operator("CONCATENATION", (0, 0), (1,), {"axis": -1})
    )
    assert functions_of(graph) == ["copyAxes<Axes<2, 3>, Axes<3, 1>, Axes<6, 1>>"] * 2
    active = {"axis": -1, "fused_activation_function": 1}
    graph = graph_of([tensor(2, 3), tensor(2, 6)], Operator("CONCATENATION", (0, 0), (1,), active))
    assert declined_of(graph) == ["CONCATENATION (a fused activation)"]


def test_halves_along_the_outermost_axis_are_the_same_memory():
    tensors = [constant(0, np.int32), tensor(4, 3), tensor(2, 3), tensor(2, 3)]
    lowerer = lowered(graph_of(tensors, Operator("SPLIT", (0, 1), (2, 3))))
    assert [lowerer.owner(i) for i in (2, 3)] == [(1, 0), (1, 24)]


def test_the_same_bytes_are_another_type_only_if_they_are_as_many():
    for out, told in (
        (tensor(2, dtype="int32"), []),
        (tensor(2, dtype="int64"), ["BITCAST (float32 as int64)"]),
    ):
        assert declined_of(graph_of([tensor(2), out], Operator("BITCAST", (0,), (1,)))) == told


def test_shapes_that_folding_should_have_removed_are_declined():
    graph = graph_of([tensor(2, 3), tensor(2, dtype="int32")], Operator("SHAPE", (0,), (1,)))
    (told,) = declined_of(graph)
    assert told.startswith("SHAPE (")
