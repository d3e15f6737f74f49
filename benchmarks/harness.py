"""One row of the benchmark: a model, a batch and a thread count, all contenders side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from benchmarks.ceilings import Ceilings
from benchmarks.contender import Array, Contender, tolerances
from benchmarks.files import ModelFiles
from benchmarks.peers import MAKERS, cells
from benchmarks.timing import CONTROL_BAND, Plan, interleaved

#: Above, what Python adds to a call can't be seen.
_PYTHON_UP_TO_MULTIPLY_ADDS = 1_000_000
#: From here on, more processor time than latency means that other threads helped.
_CORES_SEEN_FROM_US = 20.0
_CONTROLS = {
    "C": (cells.CELL, cells.CONTROL),
    "Python": (cells.BOUND, cells.BOUND_CONTROL),
}


@dataclass(slots=True)
class Entry:
    """What came out for one contender.

    Attributes:
        reason: Why it wasn't timed; "" if it was.
        error: The largest absolute difference from Keras.
        tolerances: The same in units of the tolerance that bundles are verified with.
        cpu_us: Processor time of a call, of all threads.
        rounds_us: The median of each round; the same place is the same round for all of a row.
        engine: Of a cell: the engine that answered.
    """

    name: str
    program: str
    config: str
    level: str
    reason: str = ""
    error: float | None = None
    tolerances: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None
    cpu_us: float | None = None
    samples: int = 0
    rounds_us: list[float] = field(default_factory=list)
    engine: str = ""


@dataclass(slots=True)
class Row:
    """A model, a batch and a thread count.

    Attributes:
        control: By level, the ratio of a program to itself; the row is void outside 0.97 to 1.03.
        limit_us: The least time of a call on one core, as measured in this run.
        bound: What sets the limit: "FMA" or "weights".
        discrimination: How many tolerances apart the answers to different samples are, at least.
    """

    model: str
    title: str
    batch: int
    threads: int
    multiply_adds: int
    weight_bytes: int
    entries: list[Entry]
    control: dict[str, float]
    limit_us: float = 0.0
    bound: str = ""
    discrimination: float = 0.0

    def entry(self, name: str) -> Entry | None:
        """A contender that was timed."""
        found = (e for e in self.entries if e.name == name and e.p50_us is not None)
        return next(found, None)

    def peers(self, level: str) -> list[Entry]:
        """The others that were timed, fastest first."""
        found = [e for e in self.entries if e.level == level and e.program != "AIOS"]
        return sorted((e for e in found if e.p50_us is not None), key=lambda e: e.p50_us or 0.0)

    def is_void(self, level: str) -> bool:
        """Whether the control of a level missed its band."""
        return not CONTROL_BAND[0] <= self.control.get(level, 1.0) <= CONTROL_BAND[1]

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


def measure_row(
    files: ModelFiles,
    batch: int,
    threads: int,
    ceilings: Ceilings,
    plan: Plan,
    say: Callable[[str], None],
) -> Row:
    """Makes the contenders, checks their answers, then times those that are right in turns."""
    facts = files.facts()
    row = Row(files.model.name, files.model.title, batch, threads,
              facts["multiply_adds"], facts["weight_bytes"], [], {})  # fmt: skip
    answers = files.reference()
    pairs = zip(answers[1:], answers[:-1], strict=True)
    row.discrimination = min(tolerances(a[None], b[None]) for a, b in pairs)
    x = np.ascontiguousarray(files.inputs()[:batch])
    from_python = batch == 1 and row.multiply_adds <= _PYTHON_UP_TO_MULTIPLY_ADDS
    right = _right(files, x, threads, row, from_python)
    ceilings.measure(row.weight_bytes)
    for level in ("C", "Python"):
        chosen = {c.name: c for c in right if c.level == level}
        if chosen:
            _time(chosen, level, row, plan)
    for entry in row.entries:
        if entry.reason:
            say(f"  {entry.name}: {entry.reason}")
    return row


def _right(
    files: ModelFiles, x: Array, threads: int, row: Row, from_python: bool
) -> list[Contender]:
    reference = files.reference()[: len(x)]
    found = []
    for program, make in MAKERS.items():
        contenders = make(files, x, threads)
        while True:
            try:
                contender = next(contenders)
            except StopIteration:
                break
            except Exception as error:
                # A peer that isn't installed, or that can't run the model, is a line of the report.
                reason = f"left out: {type(error).__name__}: {str(error)[:200]}"
                row.entries.append(Entry(program, program, "", "C", reason))
                break
            if contender.level == "Python" and not from_python:
                continue
            entry = _checked(contender, reference)
            row.entries.append(entry)
            if not entry.reason:
                found.append(contender)
    return found


def _checked(contender: Contender, reference: Array) -> Entry:
    entry = Entry(contender.name, contender.program, contender.config, contender.level,
                  engine=contender.engine)  # fmt: skip
    try:
        answer = contender.answer()
    except Exception as error:
        entry.reason = f"left out: {type(error).__name__}: {str(error)[:200]}"
        return entry
    entry.tolerances = tolerances(answer, reference)
    if answer.shape == reference.shape:
        entry.error = float(np.abs(answer - reference).max())
    if not entry.tolerances <= 1.0:
        entry.reason = f"wrong answers, {entry.tolerances:.3g} tolerances off: not timed"
    return entry


def _time(chosen: dict[str, Contender], level: str, row: Row, plan: Plan) -> None:
    control = _CONTROLS[level]
    control_or_none = control if set(control) <= set(chosen) else None
    timings, ratio = interleaved(
        {name: contender.call for name, contender in chosen.items()}, control_or_none, plan
    )
    row.control[level] = ratio
    for entry in row.entries:
        timing = timings.get(entry.name)
        if timing is not None and entry.level == level:
            cores = timing.cpu_us / timing.p50_us
            if timing.p50_us > _CORES_SEEN_FROM_US and cores > 1.3 * row.threads:
                entry.reason = f"took {timing.p50_us:,.0f} µs on {cores:.1f} cores: not counted"
                continue
            entry.p50_us, entry.p99_us = timing.p50_us, timing.p99_us
            entry.cpu_us, entry.samples = timing.cpu_us, timing.samples
            entry.rounds_us = timing.p50s_us


def microseconds(value: float | None) -> str:
    """A time for a reader, with three digits or so."""
    if value is None:
        return "–"
    digits = 3 if value < 1 else 2 if value < 100 else 1 if value < 1000 else 0
    return f"{value:,.{digits}f}"
