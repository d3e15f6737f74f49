"""Which artifact runs in pure Python, and why no other one does."""

import sys

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios

pytestmark = pytest.mark.native


def test_auto_takes_litert_and_says_what_the_others_need(pure):
    rows = {row.engine: row for row in pure.explain()}
    assert pure.engine == pure.metrics().engine == "python-litert"
    assert rows["python-litert"].chosen
    assert not rows["python-tensorflow"].chosen
    assert "needs the C++ extension" in rows["compiled"].reason
    assert rows["compiled"].batch == 0


def test_auto_takes_tensorflow_where_litert_is_missing(load, digits, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    cell = load(digits.bundle)
    assert cell.engine == "python-tensorflow"
    expected = np.asarray(digits.model(digits.x_test, training=False))
    assert_within_tolerance(cell.perform_inference(digits.x_test), expected)
    (reason,) = [row.reason for row in cell.explain() if row.engine == "python-litert"]
    assert "pip install aios-cells[litert]" in reason
    with pytest.raises(aios.NotFoundError, match=r"pip install aios-cells\[litert\]"):
        load(digits.bundle, engine="litert")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(aios.NotFoundError, match=r"\[litert\].*\[tensorflow\]"):
        load(digits.bundle)


@pytest.mark.parametrize("engine", ["compiled", "openvino"])
def test_the_extensions_engines_are_refused_with_the_remedy(load, digits, engine):
    with pytest.raises(aios.NotFoundError, match=f"'{engine}' needs the C\\+\\+ extension"):
        load(digits.bundle, engine=engine)
