"""Whether the extension is here, and wanted."""

import pytest

from aios.bridge import extension


@pytest.mark.parametrize(
    ("value", "forced"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)]
)
def test_pure_python_is_asked_for_by_the_environment(monkeypatch, value, forced):
    monkeypatch.delenv(extension.PURE_PYTHON, raising=False)
    if value is not None:
        monkeypatch.setenv(extension.PURE_PYTHON, value)
    assert extension.is_pure_python_forced() is forced


@pytest.mark.parametrize("spec", [None, object()])
def test_the_extension_is_looked_for_and_not_imported(monkeypatch, spec):
    asked = []
    monkeypatch.setattr(extension, "find_spec", lambda name: (asked.append(name), spec)[1])
    assert extension.is_extension_installed() is (spec is not None)
    assert asked == ["aios._core"]
