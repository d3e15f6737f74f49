from pathlib import Path

import pytest

import aios
from aios.server import export_child


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, ""),
        (aios.UnsupportedError("no engine takes it"), "no engine takes it"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_the_child_tells_how_it_went(monkeypatch, error, reason):
    asked = []

    def export(*arguments, **options):
        asked.append((arguments, options))
        if error is not None:
            raise error

    monkeypatch.setattr("aios.exporting.export", export)
    assert export_child.exported(Path("in"), Path("out")) == reason
    assert asked == [((Path("in"), Path("out")), {"overwrite": True})]
