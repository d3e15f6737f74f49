"""What every source does."""

import pytest

from aios.exporting.sources.keras_model import KerasSource

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


def _sequential():
    return keras.Sequential(
        [
            keras.Input((6,), name="x"),
            layers.Dense(8, activation="tanh", name="first"),
            layers.Dense(8, activation="tanh", name="second"),
            layers.Dense(8, activation="tanh", name="third"),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(3, name="last"),
        ]
    )


def test_a_source_freezes_a_signature_once(tmp_path):
    source = KerasSource(_sequential())
    source.save(tmp_path / "saved")
    assert source.frozen("serving_default") is source.frozen("serving_default")
