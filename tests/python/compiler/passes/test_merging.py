"""Chains of elementwise operators become one operator."""

from dataclasses import replace

from graphs import graph_of, tensor

from aios.compiler.attributes import Elementwise
from aios.compiler.graph import Operator
from aios.compiler.passes.merging import MAX_FUNCTIONS, is_vector, merge_elementwise

X = ("x", 0)


def _of(expression, inputs, output):
    return Operator("ELEMENTWISE", inputs, (output,), attributes=Elementwise(expression))


def test_a_result_with_one_reader_moves_into_it():
    graph = graph_of(
        [tensor(4), tensor(4), tensor(4)],
        _of(("exp", X), (0,), 1),
        _of(("add", X, ("x", 1)), (1, 0), 2),
    )
    (merged,) = merge_elementwise(graph).operators
    assert merged.inputs == (0,)
    assert merged.typed(Elementwise).expression == ("add", ("exp", X), X)


def test_a_result_that_is_an_output_too_stays():
    graph = graph_of(
        [tensor(4), tensor(4), tensor(4)], _of(("exp", X), (0,), 1), _of(("tanh", X), (1,), 2)
    )
    assert len(merge_elementwise(replace(graph, outputs=(1, 2))).operators) == 2


def test_another_shape_stays_apart():
    graph = graph_of(
        [tensor(3), tensor(3), tensor(2, 3)],
        _of(("exp", X), (0,), 1),
        _of(("tanh", X), (1,), 2),
    )
    assert len(merge_elementwise(graph).operators) == 2


def test_no_more_is_merged_than_registers_hold():
    count = MAX_FUNCTIONS + 3
    graph = graph_of(
        [tensor(4) for _ in range(count + 1)],
        *(_of(("tanh", X), (i,), i + 1) for i in range(count)),
    )
    assert len(merge_elementwise(graph).operators) == 2


def test_only_float32_is_of_vectors():
    graph = graph_of(
        [tensor(4), tensor(4, dtype="int32")], _of(("cast", "std::int32_t", X), (0,), 1)
    )
    assert not is_vector(graph, graph.operators[0])
