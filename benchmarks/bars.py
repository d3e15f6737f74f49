"""What the compiled engine and `auto` aim at, and whether this run shows it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.harness import Entry, Row
from benchmarks.peers import cells, litert

BEST = "best peer"
#: What a reader is told.
VERDICTS = {
    "goal": "goal met",
    "floor": "floor met, goal not",
    "met": "met",
    "missed": "**not met**",
    "void": "void: control outside 0.97–1.03",
    "not measured": "not measured",
    "": "–",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A ratio of medians, peer ÷ ours, on one thread.

    Attributes:
        against: A contender's name, or BEST.
        ours: Our contender's name; peers' calls from C are on bound buffers, and so is ours.
        level: "C", or "Python".
    """

    model: str
    batch: int
    against: str
    floor: float
    goal: float
    ours: str = cells.CELL_BOUND
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


#: Of `auto`, other's time ÷ its own: the best engine that it could have taken, and the best peer.
AUTO_ENGINE_FLOOR = 0.95
AUTO_PEER_FLOOR = 0.97
#: The geometric mean over the small models against the best peer, at batch 1.
AUTO_SMALL_FLOOR = 1.8
SMALL = ("mlp_small", "mlp_medium", "cnn", "conv1d", "lstm", "gru")


@dataclass(frozen=True, slots=True)
class AutoJudgement:
    """`auto` in one row, against the best engine and, at batch 1, against the best peer.

    Attributes:
        row: Whose.
        auto: The cell with `auto`; None where it didn't run.
        single: The fastest contender of one engine.
        peer: The fastest program outside this project; None where no bar is meant, or none ran.
        engine_ratio: The median over the rounds of single ÷ auto.
        peer_ratio: The same of the peer.
        engine_verdict: "met", "missed", "void" or "not measured".
        peer_verdict: The same; "" where no bar is meant.
    """

    row: Row
    auto: Entry | None
    single: Entry | None
    peer: Entry | None
    engine_ratio: float | None
    peer_ratio: float | None
    engine_verdict: str
    peer_verdict: str

    def to_json(self) -> dict[str, Any]:
        """The ratios and verdicts; the times are the row's."""
        return {
            "model": self.row.model,
            "batch": self.row.batch,
            "engine": self.auto.engine if self.auto else None,
            "best_engine": self.single.name if self.single else None,
            "best_peer": self.peer.name if self.peer else None,
            "engine_ratio": self.engine_ratio,
            "peer_ratio": self.peer_ratio,
            "engine_verdict": self.engine_verdict,
            "peer_verdict": self.peer_verdict,
        }


def judge_auto(rows: Sequence[Row]) -> list[AutoJudgement]:
    """`auto` in every row of one thread."""
    return [_judge_auto(row) for row in rows if row.threads == 1]


def small_models_mean(judgements: Sequence[AutoJudgement]) -> float | None:
    """The geometric mean of the small models' ratios to the best peer; None unless all ran."""
    ratios = [j.peer_ratio for j in judgements if j.row.batch == 1 and j.row.model in SMALL]
    known = [ratio for ratio in ratios if ratio]
    return math.prod(known) ** (1 / len(SMALL)) if len(known) == len(SMALL) else None


def _judge_auto(row: Row) -> AutoJudgement:
    auto = row.entry(cells.AUTO)
    singles = [entry for name in cells.ENGINES.values() if (entry := row.entry(name))]
    single = min(singles, key=lambda entry: entry.p50_us or 0.0, default=None)
    peer = next(iter(row.peers("C")), None) if row.batch == 1 else None
    engine_ratio, peer_ratio = (_round_ratio(other, auto) for other in (single, peer))
    return AutoJudgement(
        row, auto, single, peer, engine_ratio, peer_ratio,
        _auto_verdict(row, engine_ratio, AUTO_ENGINE_FLOOR),
        _auto_verdict(row, peer_ratio, AUTO_PEER_FLOOR) if row.batch == 1 else "",
    )  # fmt: skip


def _round_ratio(other: Entry | None, auto: Entry | None) -> float | None:
    """The median of the ratios that the rounds show: what disturbs a round disturbs both."""
    if other is None or auto is None:
        return None
    pairs = zip(other.rounds_us, auto.rounds_us, strict=True)
    return statistics.median(theirs / ours for theirs, ours in pairs)


def _auto_verdict(row: Row, ratio: float | None, floor: float) -> str:
    if ratio is None:
        return "not measured"
    if row.is_void("C"):
        return "void"
    return "met" if ratio >= floor else "missed"
