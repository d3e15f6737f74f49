"""Where a bundle comes from."""

import numpy as np
import pytest

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def _mlp(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((6,), name="x"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(4),
        ]
    )


def test_the_provenance_tells_models_and_samples_apart(tmp_path):
    x = np.random.default_rng(0).standard_normal((10, 6)).astype(np.float32)
    written = {}
    for name, seed, samples in (
        ("a", 0, x),
        ("again", 0, x),
        ("other model", 1, x),
        ("other samples", 0, x + 1),
    ):
        keras.utils.clear_session()  # Layers get the same names again.
        model = _mlp(seed)
        aios.export(model, tmp_path / "m.cell", samples=samples, engines="litert", overwrite=True)
        written[name] = read_manifest(tmp_path / "m.cell").provenance
    models = {name: entry["model"]["sha256"] for name, entry in written.items()}
    data = {name: entry["data_sha256"] for name, entry in written.items()}
    assert written["a"]["model"]["kind"] == "keras"
    assert written["a"]["aios"] == aios.__version__
    assert data["a"] == data["again"] == data["other model"] != data["other samples"]
    assert models["a"] == models["other samples"] != models["other model"]
