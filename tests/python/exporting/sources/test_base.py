"""What every source does."""

import pytest

from aios.exporting.sources.keras_model import KerasSource

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")


def test_a_source_freezes_a_signature_once(tmp_path):
    source = KerasSource(keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(2)]))
    source.save(tmp_path / "saved")
    assert source.frozen("serving_default") is source.frozen("serving_default")
