"""Managers that are closed after the test."""

import pytest
from workflow_doubles import one

import aios
from aios.workflow.manager import AICellManager


@pytest.fixture
def make_manager(tmp_path):
    """Open managers, by default on one home; all are closed at the end."""
    opened = []

    def make(home=None, **options):
        options.setdefault("lease_s", 30)  # a busy machine keeps no lease from being beaten for
        manager = AICellManager(tmp_path / "home" if home is None else home, **options)
        opened.append(manager)
        return manager

    yield make
    for manager in opened:
        manager.close()


@pytest.fixture
def manager(make_manager):
    return make_manager()


@pytest.fixture
def closed_home(make_manager, tmp_path):
    """A home with one run, whose manager is closed; and the run's id."""
    manager = make_manager()
    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(lambda: 1)]))
    run = manager.execute_workflow("w")
    run.result(60)
    manager.close()
    return tmp_path / "home", run.id


@pytest.fixture
def used_home(tmp_path):
    """A closed home with one run, one object and one registered version."""
    bundle = tmp_path / "a.cell"
    bundle.mkdir()
    (bundle / "weights").write_text("a")
    with aios.AICellManager(tmp_path / "home") as manager:
        manager.register_workflow(aios.Workflow(id="w", steps=[one]))
        manager.execute_workflow("w", b"data").result(60)
        manager.registry.register("m", bundle)
        manager.promote("m", 1)
    return tmp_path / "home"
