"""Everything counted, in one place, as Prometheus text.

The format is Prometheus's text exposition format 0.0.4
(https://prometheus.io/docs/instrumenting/exposition_formats/).
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from aios.home.store import StepRecord

STEP_SECONDS: Final = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 300.0, 1800.0)

Labels = tuple[tuple[str, str], ...]


class Counter:
    """A number that only grows, by labels."""

    def __init__(self, name: str, help_text: str) -> None:
        self.name = name
        self.help_text = help_text
        self._values: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def add(self, amount: float = 1.0, **labels: str) -> None:
        """Count `amount` more."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            self._values[key] = self._values.get(key, 0.0) + amount

    def value(self, **labels: str) -> float:
        """What was counted under exactly these labels."""
        return self._values.get(tuple(sorted(labels.items())), 0.0)

    def text(self) -> Iterator[str]:
        """Lines of the exposition format."""
        yield f"# HELP {self.name} {self.help_text}"
        yield f"# TYPE {self.name} counter"
        for labels, value in sorted(self._values.items()):
            yield f"{self.name}{label_text(labels)} {number(value)}"


class Histogram:
    """How often values fell under each bound, by labels."""

    def __init__(self, name: str, help_text: str, bounds: Iterable[float]) -> None:
        self.name = name
        self.help_text = help_text
        self.bounds = tuple(bounds)
        self._lock = threading.Lock()
        self._values: dict[Labels, tuple[list[int], list[float]]] = {}

    def observe(self, value: float, **labels: str) -> None:
        """Count one value."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            counts, total = self._values.setdefault(key, ([0] * (len(self.bounds) + 1), [0.0]))
            counts[bisect_left(self.bounds, value)] += 1
            total[0] += value

    def text(self) -> Iterator[str]:
        """Lines of the exposition format."""
        with self._lock:
            items = [(key, list(counts), total[0]) for key, (counts, total) in self._values.items()]
        yield from histogram_text(self.name, self.help_text, self.bounds, sorted(items))


def histogram_text(
    name: str,
    help_text: str,
    bounds: tuple[float, ...],
    items: Iterable[tuple[Labels, list[int], float]],
) -> Iterator[str]:
    """Lines for histograms given as (labels, counts per bucket, sum)."""
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} histogram"
    for labels, counts, total in items:
        running = 0
        for bound, count in zip((*bounds, float("inf")), counts, strict=True):
            running += count
            edge = "+Inf" if bound == float("inf") else number(bound)
            yield f"{name}_bucket{label_text((*labels, ('le', edge)))} {running}"
        yield f"{name}_sum{label_text(labels)} {number(total)}"
        yield f"{name}_count{label_text(labels)} {running}"


def gauge_text(name: str, help_text: str, values: Mapping[Labels, float]) -> Iterator[str]:
    """Lines for numbers that go up and down."""
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} gauge"
    for labels, value in sorted(values.items()):
        yield f"{name}{label_text(labels)} {number(value)}"


def label_text(labels: Labels) -> str:
    """`{name="value",…}` with the characters escaped that the format asks for."""
    if not labels:
        return ""
    escaped = (
        (name, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n"))
        for name, value in labels
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"


def number(value: float) -> str:
    """A number as the format writes it."""
    return (
        str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    )


class WorkflowMetrics:
    """Counters of one manager's runs and steps."""

    def __init__(self) -> None:
        self.runs_started = Counter("aios_runs_started_total", "Runs driven by this manager.")
        self.runs = Counter("aios_runs_total", "Runs that ended, by workflow and status.")
        self.steps = Counter(
            "aios_steps_total", "Attempts that ended, by workflow, step and status."
        )
        self.step_seconds = Histogram(
            "aios_step_seconds", "Duration of attempts that succeeded.", STEP_SECONDS
        )

    def run_started(self, workflow: str) -> None:
        """Count a run that this manager begins or goes on with."""
        self.runs_started.add(workflow=workflow)

    def run_ended(self, workflow: str, status: str) -> None:
        """Count a run's end."""
        self.runs.add(workflow=workflow, status=status)

    def step_ended(self, workflow: str, record: StepRecord) -> None:
        """Count an attempt's end."""
        name = record.name.partition("[")[0]
        self.steps.add(workflow=workflow, step=name, status=record.status)
        if record.status == "SUCCESS" and record.seconds is not None:
            self.step_seconds.observe(record.seconds, workflow=workflow, step=name)

    def text(self) -> Iterator[str]:
        """Lines of the exposition format."""
        for item in (self.runs_started, self.runs, self.steps, self.step_seconds):
            yield from item.text()
