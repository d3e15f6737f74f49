"""Tests that use `core` are run on both cores, unless the mark `native` names them."""

import pytest
from cores import PURE_PYTHON, pure_python

import aios
from aios.bridge.core import IS_NATIVE


def pytest_generate_tests(metafunc):
    if "core" in metafunc.fixturenames and not metafunc.definition.get_closest_marker("native"):
        cores = ["cpp", "python"] if IS_NATIVE else ["python"]
        metafunc.parametrize("core", cores, indirect=True, scope="module")


@pytest.fixture(scope="module")
def core(request):
    """ "cpp" or "python": what `aios.load` and `aios.TensorFlowCellularBridge` run on meanwhile.

    A fixture of a module's scope that loads a bundle takes it as an argument.
    """
    name = getattr(request, "param", "cpp")
    if name == "cpp" or not IS_NATIVE:
        yield name
        return
    module = pure_python()
    assert module.TensorFlowCellularBridge.__module__ == PURE_PYTHON
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(aios, "load", module.load)
        patched.setattr(aios, "TensorFlowCellularBridge", module.TensorFlowCellularBridge)
        yield name
