"""Starting runs: their input is stored by content first, and stays until a record names it."""

from __future__ import annotations

import json
import secrets
from typing import Any

from aios.home.clock import Clock
from aios.home.codec import store_value
from aios.home.garbage import hashes
from aios.home.home import Home
from aios.home.messages import RunStarted
from aios.home.store import AddMessage, RunRecord
from aios.workflow.execution.host import Host
from aios.workflow.execution.scheduler import Schedule, Scheduler
from aios.workflow.workflow import Workflow


class Starter:
    """Starts the runs of one manager, at once or by schedule."""

    def __init__(self, home: Home, clock: Clock, host: Host) -> None:
        self.schedules = Scheduler(home.store, clock, self._fire)
        self._home = home
        self._clock = clock
        self._host = host

    def start(self, workflow: Workflow, data: Any, source: str) -> str:
        """Start a run on `data`; returns its id.

        Raises:
            InvalidArgumentError: `data` holds something that can't be stored.
            OverloadedError: the disk is full.
        """
        with self._home.work() as files:
            reference = store_value(data, files.content, "data").to_json()
            run_id = f"{workflow.id}-{secrets.token_hex(6)}"
            self._create(workflow, run_id, reference, source)
        return run_id

    def schedule(
        self, name: str, workflow: Workflow, data: Any, every_s: float, start_at: float | None
    ) -> Schedule:
        """Set or replace a schedule of runs on `data`."""
        with self._home.work() as files:
            reference = store_value(data, files.content, "data").to_json()
            return self.schedules.set(name, workflow.id, reference, every_s, start_at)

    def _fire(self, schedule: Schedule, run_id: str) -> bool:
        workflow = self._host.workflow(schedule.workflow)
        if workflow is None:
            return False
        with self._home.work() as files:
            files.content.secure(*hashes(json.dumps(schedule.data)))
            self._create(workflow, run_id, schedule.data, "")
        return True

    def _create(
        self, workflow: Workflow, run_id: str, reference: dict[str, Any], source: str
    ) -> None:
        sha256 = str(reference["sha256"])
        now, plan = self._clock.wall(), tuple(workflow.plan.steps)
        run = RunRecord(run_id, workflow.id, "RUNNING", now, reference, sha256, source, plan=plan)
        started = RunStarted(
            id=f"{run_id}/started", run_id=run_id, workflow=workflow.id, data_sha256=sha256
        )
        self._host.claims.start(run, [AddMessage(started.to_stored())])
