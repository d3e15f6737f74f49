"""docs/reference/operators.md is what the compiler's own tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert")

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "operators.md"


def test_the_table_of_operators_is_current() -> None:
    from aios.compiler.operators import page

    command = "python -m aios.compiler.operators > docs/reference/operators.md"
    assert PAGE.read_text() == page(), f"run: {command}"


def test_the_table_tells_what_is_taken_and_within_which_limits() -> None:
    text = PAGE.read_text()
    declined = text.split("that are declined")[1]
    assert "`TOPK_V2`" in text.split("that are declined")[0]
    assert "`TOPK_V2`" not in declined
    assert "`HASHTABLE_FIND`" in declined
    assert "negative padding" in next(r for r in text.splitlines() if r.startswith("| `PAD` "))
