"""Schedules: documents that say when a workflow's next run is due; any living manager starts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from aios.errors import CorruptHomeError, InvalidArgumentError
from aios.home.clock import Clock
from aios.home.names import check_name
from aios.home.store import ConflictError, Document, PutDocument, Store


@dataclass(frozen=True, slots=True, repr=False)
class Schedule:
    """Run `workflow` every `every_s` seconds, next at `due` (seconds since 1970)."""

    name: str
    workflow: str
    data: dict[str, Any]
    every_s: float
    due: float
    runs: int = 0

    def __repr__(self) -> str:
        return f"<Schedule {self.name}: {self.workflow} every {self.every_s:g} s, {self.runs} runs>"

    @staticmethod
    def of(document: Document) -> Schedule:
        """Decode a document.

        Raises:
            CorruptHomeError: it is damaged.
        """
        try:
            found = Schedule(**document.value)
            return replace(
                found, every_s=float(found.every_s), due=float(found.due), data=dict(found.data)
            )
        except (TypeError, ValueError) as error:
            raise CorruptHomeError(
                f"schedule {document.key!r} is damaged ({error}); set it again, or unschedule it"
            ) from error


class Scheduler:
    """Fires schedules. `fire(schedule, run_id)` returns False when it doesn't know the workflow."""

    def __init__(self, store: Store, clock: Clock, fire: Callable[[Schedule, str], bool]) -> None:
        self._store = store
        self._clock = clock
        self._fire = fire

    def set(
        self,
        name: str,
        workflow: str,
        data: dict[str, Any],
        every_s: float,
        start_at: float | None,
    ) -> Schedule:
        """Set or replace a schedule.

        Args:
            name: its name.
            workflow: the workflow whose runs it starts.
            data: their input, stored, as a record keeps it.
            every_s: the interval in seconds, over 0.
            start_at: the first time, in seconds since 1970; None: in `every_s`.

        Raises:
            InvalidArgumentError: the name or the interval can't be used.
        """
        check_name("schedule name", name)
        if not every_s > 0:
            raise InvalidArgumentError(
                f"every_s: expected seconds above 0, such as 86400, got {every_s}"
            )
        due = self._clock.wall() + every_s if start_at is None else start_at
        schedule = Schedule(name, workflow, data, every_s, due)
        self._store.commit([PutDocument("schedules", name, asdict(schedule))])
        return schedule

    def all(self) -> list[Schedule]:
        """All schedules of the home, by name."""
        return [Schedule.of(item) for item in self._store.documents("schedules")]

    def remove(self, name: str) -> bool:
        """Remove a schedule; False when there was none."""
        if not any(item.key == name for item in self._store.documents("schedules", name)):
            return False
        self._store.commit([PutDocument("schedules", name, None)])
        return True

    def tick(self) -> None:
        """Start what is due.

        Two managers start one run: its id follows from the schedule and its count.
        """
        now = self._clock.wall()
        for item in self._store.documents("schedules"):
            schedule = Schedule.of(item)
            if now < schedule.due:
                continue
            run_id = f"{schedule.workflow}-{schedule.name}-{int(schedule.due * 1000):x}"
            if not self._fire(schedule, run_id):
                continue
            missed = int((now - schedule.due) // schedule.every_s) + 1
            value = {
                **item.value,
                "due": schedule.due + missed * schedule.every_s,
                "runs": schedule.runs + 1,
            }
            try:
                self._store.commit([PutDocument("schedules", item.key, value, item.revision)])
            except ConflictError:
                continue  # another manager has moved it on
