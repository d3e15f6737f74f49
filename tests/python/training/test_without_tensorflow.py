"""Where TensorFlow isn't installed, the training cell says what to install."""

import pytest

import aios

_HIDDEN = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {hidden} else real(name, *rest)

import aios
config = aios.TrainingConfig(epochs=3)
assert config.epochs == 3
for name in ("TensorFlowTrainingCell", "export"):
    try:
        getattr(aios, name)
    except aios.NotFoundError as error:
        assert isinstance(error, LookupError)
        print(error)
"""


@pytest.mark.parametrize("package", ["tensorflow", "keras", "safetensors"])
def test_a_training_cell_and_an_export_name_the_extra(run_python, package):
    cell, export = run_python(_HIDDEN.format(hidden=(package,))).splitlines()
    remedy = f"the package '{package}', which isn't installed: pip install aios-cells[tensorflow]"
    assert cell == f"a training cell needs {remedy}"
    assert export == f"exporting needs {remedy}"


def test_keras_on_another_backend_is_refused(monkeypatch):
    keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(aios.UnsupportedError, match="'jax'.*KERAS_BACKEND=tensorflow"):
        aios.TensorFlowTrainingCell()


def test_a_backend_that_is_not_installed_is_not_found(run_python):
    shown = run_python(
        "import aios\n"
        "try:\n"
        "    aios.TensorFlowTrainingCell\n"
        "except aios.NotFoundError as error:\n"
        "    print(error)\n",
        KERAS_BACKEND="abacus",
    )
    assert "KERAS_BACKEND" in shown
