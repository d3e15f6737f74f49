"""The page of operators that the compiler takes: `python -m aios.compiler.operators`.

What is on it is read from the code: the operators from the tables of lowerings and passes, and the
limits from the reasons with which a lowering declines.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from types import ModuleType
from typing import Any

from aios.compiler.lowering import lowered_kinds, lowering_of
from aios.compiler.passes.adopt import adopted_operators
from aios.compiler.passes.expressions import elementwise_kinds
from aios.compiler.passes.fold import foldable_kinds

_HEAD = """\
# Operators of the compiled engine

Made from the code by `python -m aios.compiler.operators > docs/reference/operators.md`.

A model whose graph has an operator that isn't here, or one beyond its limits, is declined by that
operator's name, and another engine serves it. Shapes must be static: an export fixes the batch.
"""


def page() -> str:
    """Returns the page as Markdown."""
    taken, declined = _split(_builtin_operators())
    adopted = sorted(adopted_operators())
    rows = [f"| `{kind}` | {_how(kind)} | {_limits(kind)} |" for kind in taken]
    own = ", ".join(f"`{name}`" for name in adopted)
    return "\n".join(
        [
            _HEAD,
            f"## TensorFlow Lite's operators: {len(taken)}",
            "",
            "| operator | what becomes of it | declined for |",
            "|---|---|---|",
            *rows,
            "",
            f"## TensorFlow's own operators, where LiteRT has no form: {len(adopted)}",
            "",
            "They are read as operators of the table above, in their own dtype.",
            "",
            *textwrap.wrap(own, 110, break_long_words=False, break_on_hyphens=False),
            "",
            f"## TensorFlow Lite's operators that are declined: {len(declined)}",
            "",
            *textwrap.wrap(
                ", ".join(f"`{kind}`" for kind in declined), 110, break_on_hyphens=False
            ),
            "",
        ]
    )


def _builtin_operators() -> list[str]:
    from ai_edge_litert import schema_py_generated as schema

    names = (n for n in vars(schema.BuiltinOperator) if not n.startswith("_"))
    return sorted(n for n in names if not n.startswith(("STABLEHLO_", "PLACEHOLDER")))


def _split(kinds: list[str]) -> tuple[list[str], list[str]]:
    """Separates the operators that are taken from those that are not."""
    known = lowered_kinds() | elementwise_kinds() | foldable_kinds()
    return [k for k in kinds if k in known], [k for k in kinds if k not in known]


def _how(kind: str) -> str:
    if kind in elementwise_kinds():
        return "Part of an elementwise expression, of any dtype that it makes sense for."
    if kind not in lowered_kinds() or _always_declines(kind):
        return "Computed while compiling."
    return str(inspect.getdoc(lowering_of(kind))).splitlines()[0]


def _always_declines(kind: str) -> bool:
    tree = _function(lowering_of(kind))
    return any(isinstance(statement, ast.Raise) for statement in tree.body)


def _limits(kind: str) -> str:
    if kind in elementwise_kinds() or kind not in lowered_kinds():
        return ""
    function = lowering_of(kind)
    module = inspect.getmodule(function)
    assert module is not None
    reasons = dict.fromkeys(_reasons(function, module, set()))
    return "; ".join(reasons)


@cache
def _function(function: Any) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    return tree


def _reasons(function: Any, module: ModuleType, seen: set[str]) -> list[str]:
    """Returns why a function declines, and those of its module that it calls."""
    found: list[str] = []
    for node in ast.walk(_function(function)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        name = node.func.id
        if name == "DeclineError":
            found += _text(node.args[0])
        elif name == "require_float32":
            found.append("a dtype other than float32")
        elif name == "constant":
            found += [f"{text} that is not constant" for text in _text(node.args[-1])]
        elif name not in seen:
            seen.add(name)
            inner = getattr(module, name, None)
            if inspect.isfunction(inner) and inner.__module__ == module.__name__:
                found += _reasons(inner, module, seen)
    return found


def _text(argument: ast.expr) -> list[str]:
    """Returns a message's text; a value in it reads as what it stands for in general."""
    if isinstance(argument, ast.Constant):
        return [str(argument.value)]
    if not isinstance(argument, ast.JoinedStr):
        return []
    parts = [str(p.value) if isinstance(p, ast.Constant) else "…" for p in argument.values]
    text = "".join(parts).strip()
    return {"dtype …": ["some dtypes"], "indices of …": ["indices that aren't integers"]}.get(
        text, [text]
    )


if __name__ == "__main__":
    print(page(), end="")
