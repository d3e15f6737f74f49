"""What the compiled engine aims at, and whether this run shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.harness import Entry, Row
from benchmarks.peers import cells, litert

BEST = "best peer"


@dataclass(frozen=True, slots=True)
class Bar:
    """A ratio of medians, peer ÷ ours, on one thread.

    Attributes:
        against: A contender's name, or BEST.
        ours: Our contender's name.
        level: "C", or "Python".
    """

    model: str
    batch: int
    against: str
    floor: float
    goal: float
    ours: str = cells.CELL
    level: str = "C"


BARS = (
    Bar("mlp_small", 1, litert.INVOKE, 4.5, 6.0),
    Bar("mlp_medium", 1, litert.INVOKE, 1.4, 1.6),
    Bar("mlp_large", 1, BEST, 0.95, 1.0),
    Bar("cnn", 1, BEST, 1.3, 1.8),
    Bar("conv1d", 1, BEST, 1.3, 1.6),
    Bar("lstm", 1, BEST, 1.6, 2.2),
    Bar("gru", 1, BEST, 1.6, 2.2),
    Bar("encoder", 1, BEST, 1.15, 1.35),
    Bar("mobilenet_v2", 1, BEST, 1.15, 1.35),
    Bar("resnet50", 1, BEST, 0.9, 1.3),
    Bar("mlp_small", 32, BEST, 1.0, 1.2),
    Bar("mlp_medium", 32, BEST, 1.0, 1.2),
    Bar("mlp_large", 32, BEST, 1.0, 1.2),
    Bar("cnn", 32, BEST, 1.0, 1.2),
    Bar("conv1d", 32, BEST, 1.0, 1.2),
    Bar("lstm", 32, BEST, 1.0, 1.2),
    Bar("gru", 32, BEST, 1.0, 1.2),
    Bar("encoder", 32, BEST, 1.0, 1.2),
    Bar("mobilenet_v2", 32, BEST, 1.0, 1.2),
    Bar("resnet50", 32, BEST, 1.0, 1.2),
    Bar("mlp_small", 1, litert.PYTHON, 3.0, 4.5, cells.NEW_ARRAY, "Python"),
    Bar("mlp_small", 1, litert.PYTHON, 6.0, 10.0, cells.BOUND, "Python"),
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A bar, and what was measured.

    Attributes:
        peer: Whom it was measured against.
        ratio: Peer ÷ ours; None where either wasn't timed.
        run_ratio: The same for the artifact's bare `run()`.
        verdict: "goal", "floor", "missed", "void" or "not measured".
        run_verdict: The same of `run()`; "" where that isn't meant.
    """

    bar: Bar
    title: str
    peer: str
    ratio: float | None
    run_ratio: float | None
    verdict: str
    run_verdict: str = ""


def judge(rows: Sequence[Row]) -> list[Judgement]:
    """Every bar whose row was measured."""
    found = {(row.model, row.batch): row for row in rows if row.threads == 1}
    return [
        _judge(bar, found[bar.model, bar.batch]) for bar in BARS if (bar.model, bar.batch) in found
    ]


def _judge(bar: Bar, row: Row) -> Judgement:
    ours = row.entry(bar.ours)
    peers = row.peers(bar.level)
    peer = (peers[0] if peers else None) if bar.against == BEST else row.entry(bar.against)
    if ours is None or peer is None:
        return Judgement(bar, row.title, bar.against, None, None, "not measured")
    ratio = _ratio(peer, ours)
    verdict = _verdict(bar, row, ratio)
    run = row.entry(cells.RUN) if bar.level == "C" else None
    if run is None:
        return Judgement(bar, row.title, peer.name, ratio, None, verdict)
    run_ratio = _ratio(peer, run)
    run_verdict = _verdict(bar, row, run_ratio)
    return Judgement(bar, row.title, peer.name, ratio, run_ratio, verdict, run_verdict)


def _verdict(bar: Bar, row: Row, ratio: float) -> str:
    if row.is_void(bar.level):
        return "void"
    return "goal" if ratio >= bar.goal else "floor" if ratio >= bar.floor else "missed"


def _ratio(peer: Entry, ours: Entry) -> float:
    return (peer.p50_us or 0.0) / (ours.p50_us or float("inf"))
