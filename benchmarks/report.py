"""The page and the chart that a run leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.auto_report import auto_section, auto_table
from benchmarks.bars import BEST, VERDICTS, AutoJudgement, Judgement
from benchmarks.harness import Entry, Row, microseconds
from benchmarks.peers import cells

COMMAND = "make bench"


def write_report(
    path: Path,
    result: Any,
    rows: list[Row],
    judgements: list[Judgement],
    auto: list[AutoJudgement],
) -> None:
    """Writes the Markdown page and `benchmarks.png` beside it."""
    from benchmarks.chart import draw

    path.parent.mkdir(parents=True, exist_ok=True)
    chart = path.with_suffix(".png")
    draw(rows, chart)
    parts = [
        _introduction(result, chart.name),
        _bars(judgements),
        auto_section(auto),
        *(_overview(rows, batch) for batch in sorted({row.batch for row in rows})),
        _python(rows),
        _losses(rows),
        _all(rows),
        _method(result, rows),
    ]
    path.write_text("\n\n".join(part for part in parts if part) + "\n")


def print_summary(rows: list[Row], judgements: list[Judgement], auto: list[AutoJudgement]) -> None:
    """Prints the bars and the rows."""
    table = Table("model", "batch", "thr", "cell µs", "run() µs", "auto µs", "best peer", "µs",
                  "peer ÷ cell", "% of limit", "control")  # fmt: skip
    for row in rows:
        ours, run, peers = row.entry(cells.CELL), row.entry(cells.RUN), row.peers("C")
        peer = peers[0] if peers else None
        table.add_row(
            row.title, str(row.batch), str(row.threads), _us(ours), _us(run),
            _us(row.entry(cells.AUTO)), peer.name if peer else "–", _us(peer), _ratio(peer, ours),
            _share(row, ours), _control(row, "C"),
        )  # fmt: skip
    bars = Table(
        "model", "batch", "against", "floor", "goal", "bound call", "run()", "verdict", "of run()"
    )
    for item in judgements:
        bars.add_row(*_judged(item))
    console = Console(width=170)
    console.print(table)
    console.print(bars)
    console.print(auto_table(auto))


def _introduction(result: Any, chart: str) -> str:
    machine = "; ".join(f"{key}: {value}" for key, value in result["machine"].items())
    used = ", ".join(f"{key} {value}" for key, value in result["versions"].items())
    reads = ", ".join(
        f"{rate:.0f} GB/s over {_bytes(int(size))}"
        for size, rate in sorted(result["read_gb_per_s"].items(), key=lambda item: int(item[0]))
    )
    return f"""# Benchmarks

The compiled engine beside LiteRT, ONNX Runtime, OpenVINO and TensorFlow: the same models, float32,
one run, side by side. `{COMMAND}` writes this page, and repeats all of it.

- Machine: {machine}
- Versions: {used}
- One core's limits in this run: {result["multiply_adds_g_per_s"]:.1f} G multiply-adds/s; reading
  {reads}
- Share of a core that the process got while it measured: {result["core_share"]:.0%}
- Time: {result["seconds"]:.0f} s, {result["prepared_s"]:.0f} of them to prepare files

![How many times longer each peer takes than the cell]({chart})"""


def _bars(judgements: Sequence[Judgement]) -> str:
    lines = [
        "## What it aims at",
        "",
        "Ratios of medians, peer ÷ ours: over 1, ours is faster. The cell is called through its C",
        "API with tensors bound once (`aios_call_run`), as LiteRT's `Invoke` is here; a call",
        'that checks its tensors every time (`aios_cell_infer`) is "cell" in the tables below.',
        "`run()` is the artifact's own function, as an embedded program without aios calls it.",
        "",
        "| model | batch | against | floor | goal | bound call | `run()` | verdict | of `run()` |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(_judged(item)) + " |" for item in judgements]
    return "\n".join(lines)


def _judged(item: Judgement) -> list[str]:
    bar = item.bar
    against = f"{BEST}: {item.peer}" if bar.against == BEST else item.peer
    if bar.level == "Python":
        against = f"{bar.ours}, against {against}"
    ratios = ["–" if r is None else f"{r:.2f}×" for r in (item.ratio, item.run_ratio)]
    return [item.title, str(bar.batch), against, f"{bar.floor:g}×", f"{bar.goal:g}×", *ratios,
            VERDICTS[item.verdict], VERDICTS[item.run_verdict]]  # fmt: skip


def _overview(rows: Sequence[Row], batch: int) -> str:
    lines = [
        f"## Batch {batch}: a call from C",
        "",
        "p50 (p99) in µs. The limit is what one core needs for the multiply-adds, or to read the",
        "weights once from the cache that they fit in, both measured in this run. Winograd's and",
        "Strassen's products need fewer multiply-adds than are counted: over 100 % is possible.",
        "",
        "| model | threads | multiply-adds | cell | `run()` | `auto` | best peer | peer ÷ cell |"
        " limit | cell at | error | control |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.batch != batch:
            continue
        ours, run, peers = row.entry(cells.CELL), row.entry(cells.RUN), row.peers("C")
        peer = peers[0] if peers else None
        cellsof = [
            row.title, str(row.threads), _count(batch * row.multiply_adds), _both(ours), _both(run),
            _chosen(row.entry(cells.AUTO)), f"{peer.name}: {_both(peer)}" if peer else "–",
            _ratio(peer, ours), f"{microseconds(row.limit_us)} ({row.bound})", _share(row, ours),
            f"{ours.error:.1e}" if ours and ours.error is not None else "–", _control(row, "C"),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cellsof) + " |")
    return "\n".join(lines)


def _python(rows: Sequence[Row]) -> str:
    measured = [row for row in rows if row.peers("Python") and row.threads == 1]
    if not measured:
        return ""
    names = [e.name for e in measured[0].entries if e.level == "Python" and e.p50_us]
    names = [name for name in names if name != cells.BOUND_CONTROL]
    lines = [
        "## Batch 1: a call from Python",
        "",
        "p50 in µs, NumPy array in, NumPy array out; bound: the same two arrays every time.",
        "",
        "| model | " + " | ".join(names) + " | control |",
        "|---|" + "---|" * (len(names) + 1),
    ]
    for row in measured:
        times = [_us(row.entry(name)) for name in names]
        lines.append(f"| {row.title} | " + " | ".join(times) + f" | {_control(row, 'Python')} |")
    return "\n".join(lines)


def _losses(rows: Sequence[Row]) -> str:
    found = []
    for row in rows:
        ours = row.entry(cells.CELL)
        if ours is None:
            reason = next((e.reason for e in row.entries if e.program == "AIOS"), "")
            found.append(
                f"- {row.title}, batch {row.batch}: the compiled engine didn't run. {reason}"
            )
            continue
        for peer in row.peers("C")[:1]:
            if (peer.p50_us or 0) < (ours.p50_us or 0):
                found.append(
                    f"- {row.title}, batch {row.batch}, {row.threads} thread(s): {peer.name} takes "
                    f"{_us(peer)} µs, the cell {_us(ours)} µs ({_ratio(peer, ours)})"
                )
    text = "\n".join(found) or "Nowhere in this run."
    return f"## Where the cell loses\n\n{text}"


def _all(rows: Sequence[Row]) -> str:
    lines = [
        "## Every contender",
        "",
        "| model | batch | threads | contender | p50 µs | p99 µs | CPU µs | ÷ cell | error |"
        " of tolerance |",
        "|" + "---|" * 10,
    ]
    for row in rows:
        ours = row.entry(cells.CELL)
        for entry in row.entries:
            start = f"| {row.title} | {row.batch} | {row.threads} | {entry.name} | "
            if entry.p50_us is None:
                lines.append(f"{start}{_line(entry.reason)} | | | | | |")
                continue
            times = [
                _us(entry),
                microseconds(entry.p99_us),
                microseconds(entry.cpu_us),
                _ratio(entry, ours),
            ]
            errors = f"{entry.error:.1e} | {entry.tolerances:.2f}"
            lines.append(f"{start}{' | '.join(times)} | {errors} |")
    return "\n".join(lines)


def _method(result: Any, rows: Sequence[Row]) -> str:
    configs = {entry.name: entry.config for row in reversed(rows) for entry in row.entries}
    named = "\n".join(f"- {name}: {config}" for name, config in sorted(configs.items()) if config)
    apart = min(row.discrimination for row in rows)
    quick = " This run was a quick one." if result["quick"] else ""
    return f"""## How it was measured

Every contender answers the same samples; one whose answers are further from Keras's than the
tolerance of a bundle (10⁻⁵ of the largest value plus 10⁻⁴ of each) isn't timed. Then they take
turns in rounds, in a new order each time. p50 is the median of a contender's best round, p99 the
lowest of a round (the slowest call where calls are few); calls under 5 µs are timed several at once
for p50, and one by one, the clock included, for p99. CPU is the processor time of a call in the
best round, of all threads: where it is far below p50, the machine was busy. The control is the cell
against itself: outside 0.97–1.03 there are more rounds for as long again, and then the row is void.
"cell" alone is the engine compiled; `auto` chooses with a cache of its own, empty at the start.
Peers run from a loop in C++ where they have a C API; LiteRT's `Invoke` from one in Python, which
adds about 0.05 µs. Batch normalisation has the statistics of noise; answers to different samples
are {apart:.0f} tolerances apart or more. XLA's ahead-of-time compiler is left out: its runtime
would have to be built from sources. A peer that is missing or can't run a model is named among the
contenders, with the reason.{quick}

{named}"""


def _us(entry: Entry | None) -> str:
    return "–" if entry is None else microseconds(entry.p50_us)


def _both(entry: Entry | None) -> str:
    return "–" if entry is None else f"{microseconds(entry.p50_us)} ({microseconds(entry.p99_us)})"


def _chosen(auto: Entry | None) -> str:
    return "–" if auto is None else f"{auto.engine}: {_both(auto)}"


def _ratio(peer: Entry | None, ours: Entry | None) -> str:
    if peer is None or ours is None or not ours.p50_us or peer.p50_us is None:
        return "–"
    return f"{peer.p50_us / ours.p50_us:.2f}×"


def _share(row: Row, entry: Entry | None) -> str:
    if entry is None or not entry.p50_us or row.threads != 1:
        return "–"
    return f"{row.limit_us / entry.p50_us:.0%}"


def _control(row: Row, level: str) -> str:
    if level not in row.control:
        return "–"
    return f"{row.control[level]:.3f}" + (" void" if row.is_void(level) else "")


def _count(value: int) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return str(value)


def _bytes(value: int) -> str:
    return f"{value / 2**20:.1f} MiB" if value >= 2**20 else f"{value / 1024:.0f} KiB"


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")
