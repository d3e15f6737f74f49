"""What is told about a run: its steps, durations, verdicts, and why something ran again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from aios.home.store import Json, RunRecord, StepRecord


@dataclass(frozen=True, slots=True, repr=False)
class StepReport:
    """One step as `show` prints it; `seconds` is None until it ended once.

    `unseen` names what its code uses and its cache key can't cover: a change there doesn't make a
    finished step run again.
    """

    name: str
    status: str
    seconds: float | None
    verdict: Json | None
    attempt: int
    launches: int
    reason: str
    error: Json | None
    output: Json | None
    unseen: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Step {self.name}: {self.status}{_in_seconds(self.seconds)}>"


@dataclass(frozen=True, slots=True, repr=False)
class RunReport:
    """One run; `error` names the step and the reason when it didn't succeed.

    `steps` are those that were begun; `not_reached` names the workflow's others.
    """

    id: str
    workflow: str
    status: str
    created: float
    seconds: float | None
    data_sha256: str
    steps: tuple[StepReport, ...]
    error: Json | None = None
    not_reached: tuple[str, ...] = ()

    def step(self, name: str) -> StepReport:
        """The report of one step.

        Raises:
            KeyError: there is none of that name.
        """
        for item in self.steps:
            if item.name == name:
                return item
        raise KeyError(name)

    def __repr__(self) -> str:
        return (
            f"<RunReport {self.id} of {self.workflow}: {self.status}{_in_seconds(self.seconds)},"
            f" {len(self.steps)} steps>"
        )

    def to_json(self) -> dict[str, Any]:
        """The shape of `aios workflow show --json`."""
        body = asdict(self)
        body["steps"] = [asdict(item) for item in self.steps]
        return body


def _in_seconds(seconds: float | None) -> str:
    return "" if seconds is None else f" in {seconds:.3g} s"


def run_report(run: RunRecord, steps: Iterable[StepRecord], order: Iterable[str] = ()) -> RunReport:
    """Assemble a report; steps come in the plan's order where it is known, else as they started."""
    plan = tuple(order) or run.plan
    rank = {name: place for place, name in enumerate(plan)}
    begun = list(steps)
    reached = {item.name.partition("[")[0] for item in begun}
    ordered = sorted(
        begun,
        key=lambda item: (
            rank.get(item.name.partition("[")[0], len(rank)),
            (item.started or 0.0) if item.name.partition("[")[0] not in rank else 0.0,
            len(item.name),
            item.name,
        ),
    )
    return RunReport(
        id=run.id,
        workflow=run.workflow,
        status=run.status,
        created=run.created,
        seconds=None if run.finished is None else max(0.0, run.finished - run.created),
        data_sha256=run.data_sha256,
        steps=tuple(
            StepReport(
                item.name,
                item.status,
                item.seconds,
                item.verdict,
                item.attempt,
                item.launches,
                item.reason,
                item.error,
                item.output,
                tuple(item.unseen),
            )
            for item in ordered
        ),
        error=run.error,
        not_reached=tuple(name for name in plan if name not in reached),
    )
