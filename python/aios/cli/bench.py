"""`aios bench`: how fast each engine answers here, at answers that were checked."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from aios.bundle.manifest import ArtifactRecord, Manifest, read_manifest
from aios.bundle.precision import FLOAT32
from aios.cli.contender import Contender, Row
from aios.cli.environment import native_log_left_out, prepare_tensorflow
from aios.cli.machine import cpu_model, usable_cpus
from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.suggestions import (
    PrecisionOption,
    allowed_precision,
    counts,
    engine_names,
    require_bundle,
)
from aios.cli.tables import Column, Listing, microseconds
from aios.errors import AiosError, NotFoundError, UnsupportedError
from aios.version import __version__

if TYPE_CHECKING:
    from aios.bridge import TensorFlowCellularBridge
    from aios.bundle.golden_samples import GoldenSamples

_ROUNDS = 3
_ROUND_S = 0.15
_MIN_CALLS, _MAX_CALLS = 20, 20_000


@reports_errors
def bench(
    bundle: Annotated[Path, typer.Argument(help="A bundle directory, as digits.cell.")],
    *,
    engine: Annotated[
        str | None, typer.Option(help="As compiled,litert; else all that the bundle has.")
    ] = None,
    batch: Annotated[str, typer.Option(help="Batch sizes, as 1,32.")] = "1",
    threads: Annotated[str, typer.Option(help="Threads per call, as 1,2.")] = "1",
    precision: PrecisionOption = FLOAT32,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Timed calls per round; else about 0.15 s of them.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw the distribution of latency into this PNG.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure latency, best of three interleaved rounds; every row's answers are checked first."""
    wanted = None if engine is None else engine_names("--engine", engine)
    allowed = allowed_precision(precision)
    batches, thread_counts = counts("--batch", batch), counts("--threads", threads)
    require_bundle(bundle)
    manifest = read_manifest(bundle)
    if plot is not None:
        from aios.cli.latency_plot import require_matplotlib

        require_matplotlib()
    prepare_tensorflow(thread_counts[0])
    rows = _rows(manifest, wanted, allowed, batches, thread_counts)
    with native_log_left_out():
        contenders = _contenders(bundle, manifest, rows, iterations)
    try:
        _measure(contenders)
        _mark_chosen(bundle, allowed, contenders)
        if plot is not None and contenders:
            from aios.cli.latency_plot import plot_latency

            plot_latency(plot, bundle.name, contenders)
            talk.print(Text(f"{plot}: the distribution of latency"))
    finally:
        for contender in contenders:
            contender.bridge.close()
    if as_json:
        print_json({"machine": machine(), "rows": rows})
    else:
        _print(bundle, rows)
    if not contenders or any(row.wrong for row in rows):
        raise typer.Exit(1)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": cpu_model(),
        "cpus": usable_cpus(),
        "load": round(os.getloadavg()[0], 2),
        "os": platform.platform(),
        "python": platform.python_version(),
        "aios": __version__,
    }


def _rows(
    manifest: Manifest,
    wanted: tuple[str, ...] | None,
    allowed: str,
    batches: tuple[int, ...],
    thread_counts: tuple[int, ...],
) -> list[Row]:
    found: dict[tuple[str, str], str | None] = {}
    for artifact in manifest.artifacts:
        if wanted is None or artifact.engine in wanted:
            reason = _exclusion(artifact, allowed)
            if reason is None or (artifact.engine, artifact.precision) not in found:
                found[artifact.engine, artifact.precision] = reason
    for name in wanted or ():
        if not any(name == one for one, _ in found):
            found[name, FLOAT32] = "the bundle has no artifact for this engine"
    return [
        Row(name, batch, count, precision, reason=reason)
        for batch in batches
        for count in thread_counts
        for (name, precision), reason in found.items()
    ]


def _exclusion(artifact: ArtifactRecord, allowed: str) -> str | None:
    if artifact.verdict != "passed":
        return f"{artifact.verdict} at export: {artifact.reason}"
    if allowed in ("fastest", artifact.precision):
        return None
    return f"not asked for: --precision {allowed}; fastest allows every precision"


def _contenders(
    bundle: Path, manifest: Manifest, rows: list[Row], iterations: int | None
) -> list[Contender]:
    from aios.bundle.golden_samples import GoldenSamples

    golden = GoldenSamples(bundle, manifest, manifest.signatures[0])
    artifacts = {(artifact.engine, artifact.precision): artifact for artifact in manifest.artifacts}
    ready = []
    with talk.status("loading and checking …"):
        for row in rows:
            if row.reason is None:
                made = _contender(bundle, golden, row, artifacts[row.engine, row.precision])
                if made is not None:
                    made.calls = iterations or _calls_per_round(made)
                    ready.append(made)
    return ready


def _contender(
    bundle: Path, golden: GoldenSamples, row: Row, artifact: ArtifactRecord
) -> Contender | None:
    """Loads one engine and checks its answers; None, with the row's reason, if it can't run."""
    from aios.bridge import load
    from aios.bridge.engines import facts_of

    if row.batch != 1 and not golden.batched:
        row.reason = "the model takes one sample per call"
        return None
    try:
        facts = facts_of(row.engine)
        first = int(os.environ.get(facts.threads_variable, row.threads))
        if row.threads != first:
            raise UnsupportedError(
                f"{facts.vendor}'s threads are process-wide ({first} here): measure it alone"
            )
        bridge = load(bundle, engine=row.engine, threads=row.threads, precision=row.precision)
    except (NotFoundError, UnsupportedError) as error:
        row.reason = str(error)
        return None
    try:
        row.max_error, distance = _errors(bridge, golden, row.batch, artifact)
    except AiosError as error:
        row.reason = str(error)
        bridge.close()
        return None
    if not distance <= 1:
        row.wrong = True
        row.reason = f"wrong: {distance:.3g} tolerances from the golden answers"
        bridge.close()
        return None
    return Contender(row, bridge, golden.plain(row.batch), 0)


def _errors(
    bridge: TensorFlowCellularBridge, golden: GoldenSamples, batch: int, artifact: ArtifactRecord
) -> tuple[float, float]:
    """Largest |answer - reference| over its golden samples, absolute and in tolerances."""
    from aios.bundle.comparison import row_errors

    absolute = distance = 0.0
    rows = slice(None) if golden.batched else None  # an answer to one sample becomes one row
    for inputs, expected in golden.proving(artifact, batch):
        answers = bridge.perform_inference(inputs)
        for name, reference in expected.items():
            errors = row_errors(answers[name][rows], reference[rows], artifact.tolerance)
            absolute = max(absolute, float(errors.absolute.max(initial=0.0)))
            distance = max(distance, float(errors.tolerances.max(initial=0.0)))
    return absolute, distance


def _calls_per_round(contender: Contender) -> int:
    probe = contender.bridge.benchmark_performance(contender.x, iterations=5)
    return int(min(max(_ROUND_S * 1e6 / max(probe.p50_us, 0.1), _MIN_CALLS), _MAX_CALLS))


def _measure(contenders: list[Contender]) -> None:
    """All in turns, so that a busy moment of the machine hits all alike; the best round counts."""
    with talk.status("measuring …"):
        for _ in range(_ROUNDS):
            for contender in contenders:
                row = contender.row
                result = contender.bridge.benchmark_performance(contender.x, contender.calls)
                if row.p50_us is None or result.p50_us < row.p50_us:
                    row.p50_us, row.p90_us = result.p50_us, result.p90_us
                    row.p99_us, row.min_us = result.p99_us, result.min_us
                    row.throughput_per_s = result.throughput_per_s
                    row.iterations = result.iterations


def _mark_chosen(bundle: Path, allowed: str, contenders: list[Contender]) -> None:
    """Which engine `auto` runs, for each batch size and thread count."""
    from aios.bridge import load

    for threads in {contender.row.threads for contender in contenders}:
        with load(bundle, threads=threads, precision=allowed) as auto:
            for contender in contenders:
                row = contender.row
                if row.threads == threads:
                    auto.perform_inference(contender.x)
                    row.chosen = _runs(contender) == _choice(auto, row.batch)


def _runs(contender: Contender) -> tuple[str, str]:
    """By the bridge's name of the engine, which in pure Python isn't the artifact's."""
    return contender.bridge.engine, contender.row.precision


def _choice(auto: TensorFlowCellularBridge, batch: int) -> tuple[str, str]:
    """Engine and precision of the artifact that answers batches of this size."""
    chosen = [row for row in auto.explain() if row.chosen and row.batch >= batch]
    first = min(chosen, key=lambda row: row.batch)
    return first.engine, first.precision


def _print(bundle: Path, rows: list[Row]) -> None:
    shown = machine()
    talk.print(
        Text(f"{bundle} on {shown['cpu']}, {shown['cpus']} CPUs, load {shown['load']}; µs per call")
    )
    listing = Listing(
        "engine",
        Column("precision", usual=FLOAT32),
        Column("batch", right=True),
        Column("threads", right=True, usual="1"),
        Column("p50", right=True),
        Column("p90", right=True, spare=1),
        Column("p99", right=True),
        Column("min", right=True, spare=2),
        Column("samples/s", right=True, spare=3),
        Column("error", right=True),
        "auto",
    )
    for row in rows:
        key = (row.engine, row.precision, str(row.batch), str(row.threads))
        if row.p50_us is None or row.throughput_per_s is None:
            listing.add(*key, *[""] * 7)
            continue
        figures = (row.p50_us, row.p90_us, row.p99_us, row.min_us)
        listing.add(
            *key,
            *["" if figure is None else microseconds(figure) for figure in figures],
            f"{row.throughput_per_s:,.0f}",
            f"{row.max_error:.1e}",
            "chosen" if row.chosen else "",
        )
    for subject, reason, wrong in _reasons(rows):
        listing.note(subject, Text(reason, "red" if wrong else ""))
    listing.print(data)


def _reasons(rows: list[Row]) -> list[tuple[str, str, bool]]:
    """Why engines weren't measured; rows of one engine that say the same say it once."""
    found: dict[tuple[str, str, bool], list[Row]] = {}
    for row in rows:
        if row.p50_us is None:
            precision = "" if row.precision == FLOAT32 else f" {row.precision}"
            found.setdefault((row.engine + precision, row.reason or "", row.wrong), []).append(row)
    return [
        (name + _among(rows, named, "batch") + _among(rows, named, "threads"), reason, wrong)
        for (name, reason, wrong), named in found.items()
    ]


def _among(rows: list[Row], named: list[Row], what: str) -> str:
    """Which of the batch sizes or thread counts those are; nothing where it is all of them."""
    some = sorted({getattr(row, what) for row in named})
    every = {getattr(row, what) for row in rows}
    return "" if len(some) == len(every) else f", {what} {', '.join(map(str, some))}"
