"""Kill -9 at random moments: 50 + 50 on light steps, 3 + 3 on the standard workflow."""

import os
import sys

import pytest
from chaos.harness import SETTINGS, resume_rounds, takeover_rounds

SEED = int(os.environ.get("AIOS_CHAOS_SEED", "20260101"))


@pytest.fixture(autouse=True)
def workers_import_what_this_process_does(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))


@pytest.mark.parametrize(("worker", "kills"), [("light", 50), ("standard", 3)])
def test_killed_runs_complete_once_after_resume(worker, kills):
    outcome = resume_rounds(worker, kills, SEED, **SETTINGS[worker])
    assert outcome["kills"] == kills


@pytest.mark.parametrize(("worker", "kills"), [("light", 50), ("standard", 3)])
def test_killed_runs_complete_once_by_the_other_manager(worker, kills):
    outcome = takeover_rounds(worker, kills, SEED, **SETTINGS[worker])
    assert outcome["kills"] == kills
