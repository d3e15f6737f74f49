"""Managers that are closed after the test."""

import pytest

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
