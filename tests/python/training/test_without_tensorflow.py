"""Where TensorFlow isn't installed, the training cell says what to install."""

import pytest

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
try:
    aios.TensorFlowTrainingCell
except aios.NotFoundError as error:
    assert isinstance(error, LookupError)
    print(error)
"""


@pytest.mark.parametrize("package", ["tensorflow", "keras"])
def test_a_training_cell_names_the_extra(run_python, package):
    shown = run_python(_HIDDEN.format(hidden=(package,)))
    assert f"'{package}'" in shown
    assert "pip install aios-cells[tensorflow]" in shown


def test_keras_on_another_backend_is_refused(run_python):
    shown = run_python(
        "import os\n"
        "os.environ['KERAS_BACKEND'] = 'numpy'\n"
        "import aios\n"
        "try:\n"
        "    aios.TensorFlowTrainingCell()\n"
        "except aios.UnsupportedError as error:\n"
        "    print(error)\n"
    )
    assert "KERAS_BACKEND=tensorflow" in shown
