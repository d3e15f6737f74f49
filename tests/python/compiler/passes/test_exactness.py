"""Products whose rounding errors an exponential would magnify are added in order."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from aios.compiler import compile_graphs
from aios.compiler.host import CompiledModel

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")
L = keras.layers


def _encoder() -> Any:
    source = keras.Input((64, 128))
    tensor = L.LayerNormalization()(source + L.MultiHeadAttention(4, 32)(source, source))
    inner = L.Dense(128)(L.Dense(512, "gelu")(tensor))
    return keras.Model(source, L.LayerNormalization()(tensor + inner))


def test_scores_of_an_attention_are_added_in_order(compiled: Any, tmp_path: Any) -> None:
    model = compiled(_encoder(), moved=True)
    source = (model.folder / "model.cc").read_text()
    batch_1 = source[: source.index("void runBatch8(")] if "runBatch8" in source else source
    plain = re.findall(r"  dense<64, 128, 128,", batch_1)
    fast = re.findall(r"  strassen<StrassenShape<(\d+, \d+, \d+)>", batch_1)
    assert len(plain) == 2, "the products that give queries and keys"
    assert sorted(fast) == ["64, 128, 128", "64, 128, 128", "64, 128, 512", "64, 512, 128"]
    # Large scores magnify every rounding; Strassen's may not add to that.
    compile_graphs(model.source.graphs, tmp_path / "exact", name="model", exact=True)
    exact = replace(model, run=CompiledModel(tmp_path / "exact"))
    for scale in (1.0, 10.0, 100.0):
        arrays = model.source.draw(2, scale=scale)
        assert model.worst(arrays) < exact.worst(arrays) + 0.3, scale


def test_exact_leaves_out_what_loses_bits(compiled: Any, tmp_path: Any) -> None:
    model = compiled(_encoder())
    exact = compile_graphs(model.source.graphs, tmp_path / "exact", name="model", exact=True)
    assert "strassen<" in (model.folder / "model.cc").read_text()
    assert "strassen<" not in exact.files[2].read_text()
