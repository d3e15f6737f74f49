"""Dense layers on many samples take Strassen's products, within the tolerance."""

from __future__ import annotations

from typing import Any

import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")
L = keras.layers


def _dense_net() -> Any:
    source = keras.Input((96,))
    hidden = L.Dense(128, "relu")(L.Dense(128, "relu")(source))
    return keras.Model(source, L.Dense(10, "softmax")(hidden))


def test_many_samples_of_a_dense_net_are_taken_together(compiled: Any) -> None:
    model = compiled(_dense_net(), moved=True)
    assert model.artifact.batch_sizes == (1, 8, 32)
    assert "strassen<StrassenShape<32, 128, 128>" in (model.folder / "model.cc").read_text()
    for batch in (1, 7, 8, 31, 32, 33, 43, 64, 75):
        assert model.worst(model.source.draw(batch)) < 0.5, batch
