"""Expressions are simplified."""

from __future__ import annotations

from aios.compiler.expression import c, simplify, x


def test_softplus_is_put_back_together() -> None:
    written = ("log", ("add", ("exp", x(0)), c(1.0)))
    assert simplify(written) == ("softplus", x(0))
    assert simplify(("mul", x(0), ("logistic", x(0)))) == ("silu", x(0))
    assert simplify(("sub", ("exp", x(1)), c(1.0))) == ("expm1", x(1))
