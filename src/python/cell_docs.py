"""Writes the docstrings of the pure-Python cell as constants for the extension's.

python cell_docs.py CELL.PY HEADER
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

_HEADER = """// Made by src/python/cell_docs.py.
#pragma once

namespace aios::python::docs {{

{}
}}  // namespace aios::python::docs
"""


def header_of(source: str) -> str:
    """The header for the class `Cell` in a module's text."""
    (cell,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == "Cell"
    )
    documented = {
        node.name: text
        for node in cell.body
        if isinstance(node, ast.FunctionDef) and (text := ast.get_docstring(node))
    }
    lines = [
        f'inline constexpr char {_constant(name)}[] = R"docs({text})docs";\n'
        for name, text in documented.items()
    ]
    return _HEADER.format("".join(lines))


def _constant(method: str) -> str:
    return "k" + "".join(word.capitalize() for word in method.strip("_").split("_"))


def main() -> None:
    """Writes the header."""
    cell, header = map(Path, sys.argv[1:])
    header.write_text(header_of(cell.read_text()))


if __name__ == "__main__":
    main()
