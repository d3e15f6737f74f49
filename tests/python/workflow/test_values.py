"""Whoever reads a run's results knows the data classes in them."""

from aios.workflow.values import KINDS


def test_a_process_that_only_looks_at_a_run_knows_every_class(run_python):
    code = """
import aios.workflow.handle
from aios.home import codec
print(*codec._CLASSES)
"""
    assert set(run_python(code).split()) == {"FileRef", *(kind.__name__ for kind in KINDS)}
