"""Expressions as C++."""

from __future__ import annotations

from aios.compiler.expression import c, x
from aios.compiler.expression_writer import scalar_struct, vector_struct


def test_shared_parts_of_an_expression_are_computed_once() -> None:
    shared = ("tanh", x(0))
    text = vector_struct(("mul", shared, ("add", shared, c(0.1))), 1)
    assert text.count("op::tanh") == 1
    assert "splat(0.100000001f)" in text


def test_literals_have_the_type_of_their_operands() -> None:
    int64 = "std::int64_t"
    expression = ("min", ("floor_mod", x(0), c(7, int64)), ("max", x(0), c(-(2**63), int64)))
    text = scalar_struct(expression, [int64], int64)
    assert "op::floorMod<std::int64_t>(x0, std::int64_t{7})" in text
    assert "op::max<std::int64_t>(x0, std::int64_t{-9223372036854775807 - 1})" in text
    assert "double{" not in scalar_struct(("add", x(0), c(0.1, "double")), ["double"], "double")
    assert "(x0 + 0.1)" in scalar_struct(("add", x(0), c(0.1, "double")), ["double"], "double")


def test_integers_are_added_by_functions_that_wrap_around() -> None:
    small = "std::int8_t"
    text = scalar_struct(("relu", ("add", x(0), x(1))), [small, small], small)
    assert "op::relu<std::int8_t>(op::add<std::int8_t>(x0, x1))" in text
