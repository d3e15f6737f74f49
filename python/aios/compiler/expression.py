"""Elementwise expressions: small immutable trees, and how they read in C++.

A tree is a tuple: `("x", i)` is input i, `("c", value)` a constant, anything else
`(function, operand, …)`. Functions work on vectors of float32 and, in the scalar form, on any
arithmetic type.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

Expression = tuple[Any, ...]

# function → C++ with {0} {1} {2} for the operands. Comparisons give masks in the vector form.
_INFIX = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
    "and": "&",
    "or": "|",
}
_CALLS = {
    "abs": "abs",
    "ceil": "ceil",
    "cos": "cos",
    "div": "divide",
    "elu": "elu",
    "erf": "erf",
    "exp": "exp",
    "expm1": "expm1",
    "floor": "floor",
    "floor_div": "floorDiv",
    "floor_mod": "floorMod",
    "gelu": "gelu",
    "gelu_tanh": "geluTanh",
    "hard_swish": "hardSwish",
    "leaky_relu": "leakyRelu",
    "log": "log",
    "logistic": "sigmoid",
    "max": "max",
    "min": "min",
    "pow": "pow",
    "prelu": "leakyRelu",
    "relu": "relu",
    "round": "roundHalfEven",
    "rsqrt": "rsqrt",
    "select": "select",
    "sign": "sign",
    "sin": "sin",
    "softplus": "softplus",
    "silu": "silu",
    "sqrt": "sqrt",
    "square": "square",
    "tanh": "tanh",
}
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
SCALAR_ONLY = {"cos", "floor_div", "floor_mod", "pow", "sin", "cast"}


def x(index: int) -> Expression:
    """Returns the expression that is input `index`."""
    return ("x", index)


def c(value: float) -> Expression:
    """Returns a constant."""
    return ("c", float(value))


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
            if one == c(1.0) and exponential[0] == "exp":
                return ("softplus", exponential[1])
    if e[0] == "sub" and e[1][0] == "exp" and e[2] == c(1.0):
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


def literal(value: float) -> str:
    """Returns a C++ float literal with exactly this float32 value."""
    number = np.float32(value)
    if math.isnan(number):
        return '__builtin_nanf("")'
    if math.isinf(number):
        return "__builtin_inff()" if number > 0 else "-__builtin_inff()"
    text = f"{float(number):.9g}"
    return (text if any(ch in text for ch in ".e") else text + ".0") + "f"


class _Writer:
    """Writes one function body, naming the parts that are used twice."""

    def __init__(self, expression: Expression, vector: bool) -> None:
        self._vector = vector
        self._uses: Counter[Expression] = Counter()
        self._names: dict[Expression, str] = {}
        self.lines: list[str] = []
        self._count(expression)
        self.result = self._write(expression)

    def _count(self, e: Expression) -> None:
        self._uses[e] += 1
        if self._uses[e] == 1 and e[0] not in ("x", "c"):
            for operand in e[2:] if e[0] == "cast" else e[1:]:
                self._count(operand)

    def _write(self, e: Expression) -> str:
        if e[0] == "x":
            return f"x{e[1]}"
        if e[0] == "c":
            return self._constant(e[1])
        if e in self._names:
            return self._names[e]
        text = self._apply(e)
        if self._uses[e] > 1:
            name = f"t{len(self._names)}"
            self.lines.append(f"const auto {name} = {text};")
            self._names[e] = text = name
        return text

    def _constant(self, value: Any) -> str:
        if self._vector:
            return f"splat({literal(value)})"
        if isinstance(value, bool):
            return "true" if value else "false"
        return f"{value}" if isinstance(value, int) else literal(value)

    def _apply(self, e: Expression) -> str:
        head = e[0]
        if head == "cast":
            return f"static_cast<{e[1]}>({self._write(e[2])})"
        operands = [self._write(o) for o in e[1:]]
        if head in _INFIX:
            return f"({operands[0]} {_INFIX[head]} {operands[1]})"
        if head == "neg":
            return f"(-{operands[0]})"
        if head == "not":
            return f"(~{operands[0]})" if self._vector else f"(!{operands[0]})"
        return f"op::{_CALLS[head]}({', '.join(operands)})"


def vector_struct(expression: Expression, arity: int) -> str:
    """Returns the C++ struct NAME whose `apply` computes the expression on vectors."""
    writer = _Writer(expression, vector=True)
    parameters = ", ".join(
        f"Vec x{i}" if i in inputs_of(expression) else "Vec" for i in range(arity)
    )
    body = "".join(f"    {line}\n" for line in writer.lines)
    return (
        f"struct NAME {{\n  static AIOS_KERNEL Vec apply({parameters}) {{\n"
        f"{body}    return {writer.result};\n  }}\n}};"
    )


def scalar_struct(expression: Expression, types: list[str], result: str) -> str:
    """Returns the C++ struct NAME whose `apply` computes the expression on single elements."""
    writer = _Writer(expression, vector=False)
    used = inputs_of(expression)
    parameters = ", ".join(f"{t} x{i}" if i in used else t for i, t in enumerate(types))
    body = "".join(f"    {line}\n" for line in writer.lines)
    return (
        f"struct NAME {{\n  static AIOS_KERNEL {result} apply({parameters}) {{\n"
        f"{body}    return static_cast<{result}>({writer.result});\n  }}\n}};"
    )
