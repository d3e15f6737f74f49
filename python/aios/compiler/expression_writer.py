"""How expressions read in C++: on vectors of float32, or on single elements of any type.

Whatever the types, the text compiles: each constant is a literal of its own type, and each scalar
function is named with the type of its operands, so that C++ has no type to deduce or to promote.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from aios.compiler.expression import Expression, inputs_of

_COMPARISONS = {
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
}
# Functions that C++ writes between its operands, on vectors and on floating-point elements;
# integers that overflow take the functions of the same name, which wrap around.
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*"}
_TRUTHS = _COMPARISONS | {"and": "&&", "or": "||"}
# The functions of `functions.hpp` whose name isn't this one in camel case.
_CALLS = {
    "div": "divide",
    "logistic": "sigmoid",
    "prelu": "leakyRelu",
    "round": "roundHalfEven",
}
_FLOATS = ("float", "double")


def vector_struct(expression: Expression, arity: int) -> str:
    """Returns the C++ struct NAME whose `apply` computes the expression on vectors."""
    writer = _VectorWriter(expression)
    parameters = ", ".join(
        f"Vec x{i}" if i in inputs_of(expression) else "Vec" for i in range(arity)
    )
    return _struct("Vec", parameters, writer.lines, writer.text)


def scalar_struct(expression: Expression, types: list[str], result: str) -> str:
    """Returns the C++ struct NAME whose `apply` computes the expression on single elements.

    Args:
        expression: What to compute.
        types: The C++ type of each input.
        result: The C++ type of the result.
    """
    writer = _ScalarWriter(expression, types)
    used = inputs_of(expression)
    parameters = ", ".join(f"{t} x{i}" if i in used else t for i, t in enumerate(types))
    return _struct(result, parameters, writer.lines, f"static_cast<{result}>({writer.text})")


def _struct(result: str, parameters: str, lines: list[str], text: str) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return (
        f"struct NAME {{\n  static AIOS_KERNEL {result} apply({parameters}) {{\n"
        f"{body}    return {text};\n  }}\n}};"
    )


def literal(value: Any, ctype: str = "float") -> str:
    """Returns a C++ literal of a type, with exactly this value."""
    if ctype == "bool":
        return "true" if value else "false"
    if ctype in _FLOATS:
        return _float_literal(float(value), ctype)
    if ctype.startswith("std::u"):
        return f"{ctype}{{{int(value)}u}}"
    # The most negative number is no literal, but a difference of two.
    number = int(value)
    return f"{ctype}{{{number}}}" if number > -(1 << 63) else f"{ctype}{{{number + 1} - 1}}"


def _float_literal(value: float, ctype: str) -> str:
    suffix = "f" if ctype == "float" else ""
    number = float(np.float32(value)) if suffix else value
    if math.isnan(number):
        return f'__builtin_nan{suffix}("")'
    if math.isinf(number):
        return f"{'' if number > 0 else '-'}__builtin_inf{suffix}()"
    text = f"{number:.9g}" if suffix else repr(number)
    return (text if any(ch in text for ch in ".e") else text + ".0") + suffix


def _name(function: str) -> str:
    """Returns what a function is called in `functions.hpp`."""
    head, *rest = function.split("_")
    return "op::" + _CALLS.get(function, head + "".join(word.capitalize() for word in rest))


class _Writer:
    """Writes one function body, naming the parts that are used twice."""

    def __init__(self, expression: Expression) -> None:
        self._uses: Counter[Expression] = Counter()
        self._names: dict[Expression, tuple[str, str]] = {}
        self.lines: list[str] = []
        self._count(expression)
        self.text, self.type = self._write(expression)

    def _count(self, e: Expression) -> None:
        self._uses[e] += 1
        if self._uses[e] == 1 and e[0] not in ("x", "c"):
            for operand in e[2:] if e[0] == "cast" else e[1:]:
                self._count(operand)

    def _write(self, e: Expression) -> tuple[str, str]:
        """Returns an expression's text and its C++ type."""
        if e[0] == "x":
            return self._input(e[1])
        if e[0] == "c":
            return self._constant(e[1], *e[2:])
        if e in self._names:
            return self._names[e]
        operands = [self._write(o) for o in (e[2:] if e[0] == "cast" else e[1:])]
        text, ctype = self._apply(e, [o for o, _ in operands], [t for _, t in operands])
        if self._uses[e] > 1:
            name = f"t{len(self._names)}"
            self.lines.append(f"const auto {name} = {text};")
            self._names[e] = name, ctype
            return name, ctype
        return text, ctype

    def _input(self, index: int) -> tuple[str, str]:
        raise NotImplementedError

    def _constant(self, value: Any, ctype: str = "float") -> tuple[str, str]:
        raise NotImplementedError

    def _apply(self, e: Expression, operands: list[str], types: list[str]) -> tuple[str, str]:
        raise NotImplementedError


class _VectorWriter(_Writer):
    """On vectors a truth value is a mask."""

    _SIGNS = _ARITHMETIC | _COMPARISONS | {"and": "&", "or": "|"}

    def _input(self, index: int) -> tuple[str, str]:
        return f"x{index}", "Vec"

    def _constant(self, value: Any, ctype: str = "float") -> tuple[str, str]:
        if ctype == "bool":
            return ("~IVec{}" if value else "IVec{}"), "IVec"
        return f"splat({literal(value)})", "Vec"

    def _apply(self, e: Expression, operands: list[str], types: list[str]) -> tuple[str, str]:
        if e[0] in self._SIGNS:
            return f"({operands[0]} {self._SIGNS[e[0]]} {operands[1]})", "Vec"
        if e[0] in ("neg", "not"):
            return f"({'-' if e[0] == 'neg' else '~'}{operands[0]})", "Vec"
        return f"{_name(e[0])}({', '.join(operands)})", "Vec"


class _ScalarWriter(_Writer):
    def __init__(self, expression: Expression, types: list[str]) -> None:
        self._types = types
        super().__init__(expression)

    def _input(self, index: int) -> tuple[str, str]:
        return f"x{index}", self._types[index]

    def _constant(self, value: Any, ctype: str = "float") -> tuple[str, str]:
        return literal(value, ctype), ctype

    def _apply(self, e: Expression, operands: list[str], types: list[str]) -> tuple[str, str]:
        head = e[0]
        if head == "cast":
            return f"static_cast<{e[1]}>({operands[0]})", e[1]
        if head == "not":
            return f"(!{operands[0]})", "bool"
        if head in _TRUTHS:
            return f"({operands[0]} {_TRUTHS[head]} {operands[1]})", "bool"
        ctype = types[1 if head == "select" else 0]
        if ctype in _FLOATS and head in _ARITHMETIC:
            return f"({operands[0]} {_ARITHMETIC[head]} {operands[1]})", ctype
        return f"{_name(head)}<{ctype}>({', '.join(operands)})", ctype
