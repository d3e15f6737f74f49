"""A manager in a process of its own: what `harness.py` kills.

`python light.py HOME RUNS LEASE_S TARGET [resume]`: start RUNS runs, resume the unfinished ones if
asked to, and go on until TARGET runs are over.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from aios.workflow.manager import AICellManager
from aios.workflow.workflow import Workflow


def drive(workflow: Workflow, data: Iterator[Any]) -> None:
    """Do what the command line says, with runs on the next items of `data`."""
    home, runs, lease_s, target = sys.argv[1:5]
    manager = AICellManager(home, lease_s=float(lease_s))
    manager.register_workflow(workflow)
    if sys.argv[5:] == ["resume"]:
        for run in manager.runs(status="RUNNING"):
            manager.resume(run.id)
    for _ in range(int(runs)):
        manager.execute_workflow(workflow.id, next(data))
    print("ready", flush=True)
    while len(manager.runs(limit=100_000, status="SUCCESS")) < int(target):
        failed = manager.runs(status="FAILED")
        if failed:
            raise SystemExit(str(failed[0].report().error))
        time.sleep(0.01)
    manager.close()
