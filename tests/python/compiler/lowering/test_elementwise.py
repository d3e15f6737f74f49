"""Expressions as calls: on vectors where all is float32, else element by element."""

import numpy as np
from graphs import declined_of, functions_of, graph_of, tensor

from aios.compiler.attributes import Elementwise
from aios.compiler.graph import Operator

SUM = Elementwise(("add", ("x", 0), ("x", 1)))


def _graph(attributes, *tensors):
    inputs = tuple(range(len(tensors) - 1))
    return graph_of(
        list(tensors), Operator("ELEMENTWISE", inputs, (len(tensors) - 1,), attributes=attributes)
    )


def test_float32_is_computed_on_vectors():
    graph = _graph(SUM, tensor(2, 3), tensor(3), tensor(2, 3))
    assert functions_of(graph) == [
        "Elementwise<Expression0, Axes<2, 3>, Axes<3, 1>, Axes<0, 1>>::run"
    ]


def test_axes_that_all_walk_alike_are_one():
    graph = _graph(SUM, tensor(2, 3), tensor(2, 3), tensor(2, 3))
    assert functions_of(graph) == ["Elementwise<Expression0, Axes<6>, Axes<1>, Axes<1>>::run"]


def test_other_dtypes_are_computed_element_by_element():
    whole = np.int64
    graph = _graph(SUM, *(tensor(4, dtype=whole) for _ in range(3)))
    assert functions_of(graph) == ["Map<Expression0, Axes<4>, Axes<1>, Axes<1>>::run"]


def test_a_function_that_integers_do_not_have_is_declined():
    graph = _graph(Elementwise(("exp", ("x", 0))), *(tensor(4, dtype=np.int32) for _ in range(2)))
    assert declined_of(graph) == ["ELEMENTWISE (['exp'] of int32)"]


def test_an_operator_without_its_attributes_is_declined_and_not_raised():
    (told,) = declined_of(_graph(None, tensor(4), tensor(4)))
    assert told.startswith("ELEMENTWISE (an unexpected form: TypeError(")
