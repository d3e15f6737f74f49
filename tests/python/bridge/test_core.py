"""The one place where the core is chosen."""

import sys

import pytest

from aios.bridge.core import IS_NATIVE, core, refusal


def test_the_core_says_which_it_is():
    assert core.__name__ == ("aios._core" if IS_NATIVE else "aios.bridge.fallback")


@pytest.mark.native
def test_the_extension_refuses_no_engine_and_pure_python_those_that_need_it(monkeypatch):
    assert refusal("compiled") == refusal("litert") == ""
    monkeypatch.setattr(sys.modules["aios.bridge.core"], "IS_NATIVE", False)
    assert "'compiled' needs the C++ extension" in refusal("compiled")
    assert refusal("litert") == ""
