"""The distribution of latency as a picture."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.errors import FailedPreconditionError, NotFoundError

if TYPE_CHECKING:
    from aios.cli.contender import Contender

_COLOURS = ("#1f5fa8", "#d1602b", "#3a8f5c", "#8b5aa8", "#b8912e", "#4d4d4d")
_BINS = 80


def require_matplotlib() -> None:
    """Refuses a plot before anything is measured.

    Raises:
        NotFoundError: matplotlib isn't installed; names the extra.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise NotFoundError("--plot needs matplotlib: pip install aios-cells[plot]")


def plot_latency(path: Path, title: str, contenders: list[Contender]) -> None:
    """Times single calls through the bridge, and draws one histogram per row.

    Raises:
        FailedPreconditionError: `path` can't be written to.
    """
    from matplotlib.figure import Figure

    times = [_call_times_us(contender) for contender in contenders]
    low = min(float(values.min()) for values in times)
    high = max(float(np.percentile(values, 99.5)) for values in times)
    edges = np.geomspace(low, max(high, low * 1.2), _BINS)
    count = len(contenders)
    figure = Figure(figsize=(7.5, 1.0 + 1.5 * count), layout="constrained")
    panels = figure.subplots(count, 1, squeeze=False, sharex=True).ravel()
    for i, (panel, contender, values) in enumerate(zip(panels, contenders, times, strict=True)):
        _draw(panel, contender, values, edges, _COLOURS[i % len(_COLOURS)])
    panels[-1].set_xlabel("µs per call from Python, arrays bound (logarithmic)")
    figure.suptitle(f"{title}: latency of single calls")
    try:
        figure.savefig(path, dpi=130, format="png")
    except OSError as error:
        raise FailedPreconditionError(f"--plot: '{path}' can't be written: {error}") from error


def _call_times_us(contender: Contender) -> Any:
    call = contender.bridge.bind(contender.x)
    for _ in range(min(contender.calls, 100)):
        call()
    times = np.empty(contender.calls, np.int64)
    clock = time.perf_counter_ns
    for i in range(contender.calls):
        begin = clock()
        call()
        times[i] = clock() - begin
    return times / 1e3


def _draw(panel: Any, contender: Contender, values: Any, edges: Any, colour: str) -> None:
    row = contender.row
    # What is slower than the picture's end is counted in its last bin.
    panel.hist(np.clip(values, edges[0], edges[-1]), bins=edges, color=colour, alpha=0.85)
    for percent, style in ((50, "-"), (99, "--")):
        at = float(np.percentile(values, percent))
        panel.axvline(
            min(at, float(edges[-1])), color="black", linestyle=style, linewidth=1,
            label=f"p{percent} {at:,.2f} µs",
        )  # fmt: skip
    panel.set_xscale("log")
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_formatter(
        ScalarFormatter() if edges[-1] / edges[0] < 20 else NullFormatter()
    )
    panel.set_ylabel("calls")
    threads = "thread" if row.threads == 1 else "threads"
    panel.set_title(
        f"{row.engine} {row.precision}, batch {row.batch}, {row.threads} {threads}",
        fontsize=9,
        loc="left",
    )
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False, fontsize=8)
