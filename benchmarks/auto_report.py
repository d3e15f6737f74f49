"""How `auto` did, for the page and for the screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from benchmarks.bars import (
    AUTO_ENGINE_FLOOR,
    AUTO_PEER_FLOOR,
    AUTO_SMALL_FLOOR,
    VERDICTS,
    AutoJudgement,
    small_models_mean,
)
from benchmarks.harness import Entry, microseconds

_COLUMNS = (
    "model", "batch", "auto takes", "µs", "best engine", "÷ auto", f"≥ {AUTO_ENGINE_FLOOR:g}",
    "best peer", "÷ auto", f"≥ {AUTO_PEER_FLOOR:g}",
)  # fmt: skip


def auto_section(judgements: Sequence[AutoJudgement]) -> str:
    """The Markdown section; "" where nothing was judged."""
    if not judgements:
        return ""
    lines = [
        "## `auto`",
        "",
        "A cell with `engine='auto'`, which measured the engines itself at its first call of each",
        "batch size, with an empty cache. A ratio is the median over the rounds of the other's",
        "time ÷ `auto`'s in the same round: the best single engine of this project, TensorFlow's",
        "C API among them, and at batch 1 the best program outside it.",
        "",
        "| " + " | ".join(_COLUMNS) + " |",
        "|" + "---|" * len(_COLUMNS),
    ]
    lines += ["| " + " | ".join(_cells(item)) + " |" for item in judgements]
    return "\n".join([*lines, "", _mean(judgements)])


def auto_table(judgements: Sequence[AutoJudgement]) -> Table:
    """The same for the screen."""
    table = Table(*_COLUMNS, caption=_mean(judgements))
    for item in judgements:
        table.add_row(*(text.replace("*", "") for text in _cells(item)))
    return table


def _cells(item: AutoJudgement) -> list[str]:
    auto = item.auto.p50_us if item.auto else None
    return [
        item.row.title, str(item.row.batch), item.auto.engine if item.auto else "–",
        microseconds(auto), _named(item.single), _ratio(item.engine_ratio),
        VERDICTS[item.engine_verdict], _named(item.peer), _ratio(item.peer_ratio),
        VERDICTS[item.peer_verdict],
    ]  # fmt: skip


def _named(entry: Entry | None) -> str:
    return f"{entry.name}: {microseconds(entry.p50_us)}" if entry else "–"


def _ratio(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}×"


def _mean(judgements: Sequence[AutoJudgement]) -> str:
    mean = small_models_mean(judgements)
    if mean is None:
        return "Not all of the six small models were measured at batch 1."
    verdict = "met" if mean >= AUTO_SMALL_FLOOR else "**not met**"
    return (
        f"The six small models at batch 1, best peer ÷ `auto`, geometric mean: {mean:.2f}× "
        f"(at least {AUTO_SMALL_FLOOR:g}×: {verdict})."
    )
