"""Elementwise expressions: small immutable trees.

A tree is a tuple: `("x", i)` is input i, `("c", value)` a float32 constant, `("c", value, type)` a
constant of another C++ type, `("cast", type, operand)` a conversion, and anything else
`(function, operand, …)`. Functions work on vectors of float32 and, in the scalar form, on any
arithmetic type; all operands of a function have one type, except for the condition of a `select`.
"""

from __future__ import annotations

from typing import Any

from aios.bundle.dtypes import CTYPES
from aios.compiler.graph import Array

Expression = tuple[Any, ...]

_MASKS = {
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "equal",
    "not_equal",
    "and",
    "or",
    "not",
}
# These have no vector form: they are computed element by element.
SCALAR_ONLY = frozenset(
    {
        *(
            "acos",
            "acosh",
            "asin",
            "asinh",
            "atan",
            "atan2",
            "atanh",
            "bit_and",
            "bit_not",
            "bit_or",
        ),
        *(
            "bit_xor",
            "cast",
            "cos",
            "cosh",
            "erfc",
            "floor_div",
            "floor_mod",
            "left_shift",
            "lgamma",
        ),
        *("log1p", "pow", "right_shift", "sin", "sinh", "tan", "truncate_div", "truncate_mod"),
    }
)


def x(index: int) -> Expression:
    """Returns the expression that is input `index`."""
    return ("x", index)


def c(value: float, ctype: str = "float") -> Expression:
    """Returns a constant of a C++ type."""
    if ctype == "float":
        return ("c", float(value))
    return ("c", float(value) if ctype == "double" else int(value), ctype)


def constant_of(data: Array) -> Expression | None:
    """Returns an array as a constant when its elements are one value, bit by bit."""
    ctype = CTYPES.get(data.dtype.name)
    if ctype is None or data.size == 0:
        return None
    first = data.reshape(-1)[:1]
    if data.reshape(-1)[-1:].tobytes() != first.tobytes():
        return None
    if data.size > 1 and data.tobytes() != first.tobytes() * data.size:
        return None
    value = first.item()
    return ("c", value) if ctype == "float" else ("c", value, ctype)


def is_one(expression: Expression) -> bool:
    """Tells whether an expression is the constant 1 of a floating-point type."""
    return expression[0] == "c" and expression[1] == 1.0 and expression[2:] in ((), ("double",))


def has_vector_form(expression: Expression) -> bool:
    """Tells whether every function and constant can be computed on vectors of float32."""
    if expression[0] == "c":
        return expression[2:] in ((), ("bool",))
    if expression[0] == "x":
        return True
    return expression[0] not in SCALAR_ONLY and all(map(has_vector_form, expression[1:]))


def is_mask(expression: Expression) -> bool:
    """Tells whether an expression is a truth value."""
    return expression[0] in _MASKS


def inputs_of(expression: Expression) -> set[int]:
    """Returns the inputs that an expression reads."""
    if expression[0] == "x":
        return {expression[1]}
    if expression[0] in ("c", "cast"):
        return inputs_of(expression[2]) if expression[0] == "cast" else set()
    return set().union(*(inputs_of(e) for e in expression[1:]))


def functions_of(expression: Expression) -> set[str]:
    """Returns the functions that an expression applies."""
    if expression[0] in ("x", "c"):
        return set()
    operands = expression[2:] if expression[0] == "cast" else expression[1:]
    return {expression[0]}.union(*(functions_of(e) for e in operands))


def substitute(expression: Expression, inputs: dict[int, Expression]) -> Expression:
    """Replaces inputs by expressions."""
    head = expression[0]
    if head == "x":
        return inputs[expression[1]]
    if head == "c":
        return expression
    keep = 2 if head == "cast" else 1
    return expression[:keep] + tuple(substitute(e, inputs) for e in expression[keep:])


def simplify(expression: Expression) -> Expression:
    """Replaces compositions by one function that is faster and holds at the ends of the range.

    The converter writes softplus as log(exp(x) + 1), which is infinite from 89 on; the model that
    it stands for isn't.
    """
    if expression[0] in ("x", "c"):
        return expression
    keep = 2 if expression[0] == "cast" else 1
    e = expression[:keep] + tuple(simplify(o) for o in expression[keep:])
    if e[0] == "log" and e[1][0] == "add":
        for exponential, one in ((e[1][1], e[1][2]), (e[1][2], e[1][1])):
            if is_one(one) and exponential[0] == "exp":
                return ("softplus", exponential[1])
    if e[0] == "sub" and e[1][0] == "exp" and is_one(e[2]):
        return ("expm1", e[1][1])
    if e[0] == "mul" and e[2] == ("logistic", e[1]):
        return ("silu", e[1])
    if e[0] == "mul" and e[1] == ("logistic", e[2]):
        return ("silu", e[2])
    return e


def size(expression: Expression) -> int:
    """Returns the number of functions in an expression, shared ones counted once."""
    seen: set[Expression] = set()

    def walk(e: Expression) -> None:
        if e[0] in ("x", "c") or e in seen:
            return
        seen.add(e)
        for operand in e[2:] if e[0] == "cast" else e[1:]:
            walk(operand)

    walk(expression)
    return len(seen)
