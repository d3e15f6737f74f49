import pytest


@pytest.fixture
def borrowed_engines(monkeypatch):
    """ "all" engines are litert and tensorflow: nothing waits for a C++ compiler."""
    from aios.exporting.engines import MAKERS

    for engine in set(MAKERS) - {"litert", "tensorflow"}:
        monkeypatch.delitem(MAKERS, engine)
