"""Bridges on the pure-Python core, in a process whose own core is the C++ extension."""

import functools
import importlib.util
import sys
import warnings
from unittest import mock

PURE_PYTHON = "pure_python_bridge"


@functools.cache
def pure_python():
    """The module aios.bridge.bridge once more, on the pure-Python core."""
    from aios.bridge import fallback
    from aios.bridge.fallback import notice

    origin = importlib.util.find_spec("aios.bridge.bridge").origin
    spec = importlib.util.spec_from_file_location(PURE_PYTHON, origin)
    module = importlib.util.module_from_spec(spec)
    # By its name there, what it makes can be pickled.
    sys.modules[PURE_PYTHON] = module
    with mock.patch.object(sys.modules["aios.bridge.core"], "core", fallback):
        spec.loader.exec_module(module)
    # Which is meant for users, and shown once.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        notice.warn_once()
    return module
