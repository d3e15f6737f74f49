import pytest


@pytest.fixture
def borrowed_engines():
    """ "all" engines are litert and tensorflow: nothing waits for a C++ compiler."""
    from aios.exporting.engines import MAKERS

    makers = dict(MAKERS)
    for engine in set(MAKERS) - {"litert", "tensorflow"}:
        del MAKERS[engine]
    yield
    # Their order counts: what is put back one by one would come last.
    MAKERS.clear()
    MAKERS.update(makers)
