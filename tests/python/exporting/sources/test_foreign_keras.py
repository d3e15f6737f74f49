"""Keras on another backend is exported by a child process."""

import json
import os

import pytest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


_ON_ANOTHER_BACKEND = """
import sys, json, warnings, numpy as np, keras, aios
assert keras.backend.backend() == sys.argv[2]
keras.utils.set_random_seed(0)
layers = [keras.Input((5, 4), name="x"), keras.layers.LSTM(6), keras.layers.Dense(3)]
model = keras.Sequential(layers)
report = aios.export(model, sys.argv[1], engines=("litert", "tensorflow"))
x = np.random.default_rng(0).standard_normal((7, 5, 4)).astype(np.float32)
expected = keras.ops.convert_to_numpy(model(x))
worst = {}
for engine in report.errors:
    with aios.load(sys.argv[1], engine=engine) as bridge:
        worst[engine] = float(np.abs(bridge.perform_inference(x) - expected).max())
class Own(keras.layers.Layer):
    def call(self, x): return x * 2
try:
    aios.export(keras.Sequential([keras.Input((4,)), Own()]), sys.argv[1] + "2")
except aios.UnsupportedError as error:
    refused = str(error)
print(json.dumps({"worst": worst, "refused": refused}))
"""


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
def test_keras_on_another_backend_is_exported_by_a_child_process(tmp_path, run_python, backend):
    pytest.importorskip(backend)
    # Keras's NumPy backend borrows functions from JAX.
    pytest.importorskip("torch" if backend == "torch" else "jax")
    code = _ON_ANOTHER_BACKEND.replace("sys.argv[1]", repr(str(tmp_path / "m.cell")))
    code = code.replace("sys.argv[2]", repr(backend))
    said = json.loads(run_python(code, KERAS_BACKEND=backend, **_quiet()).splitlines()[-1])
    assert set(said["worst"]) >= {"litert", "tensorflow"}
    assert max(said["worst"].values()) < 1e-5
    assert "register_keras_serializable" in said["refused"]


def _quiet():
    return {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join([])}
