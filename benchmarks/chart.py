"""The chart: how many times longer each peer takes than the cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Row
from benchmarks.peers import cells

#: Validated as a colour-blind-safe set; the marker tells programs apart, too.
_STYLES = {
    "LiteRT": ("#2a78d6", "o"),
    "ONNX Runtime": ("#eb6834", "s"),
    "OpenVINO": ("#1baf7a", "^"),
    "TensorFlow": ("#4a3aa7", "D"),
}
_INK, _QUIET, _GRID = "#0b0b0b", "#52514e", "#e4e3df"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draws one panel per batch: a dot per program, its best configuration, on one thread.

    Rows whose control missed its band have no dots.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, NullFormatter

    batches = sorted({row.batch for row in rows})
    titles = list(dict.fromkeys(row.title for row in rows))
    figure, panels = pyplot.subplots(
        1, len(batches), figsize=(5.4 * len(batches) + 1, 0.45 * len(titles) + 1.8),
        sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for panel, batch in zip(panels[0], batches, strict=True):
        chosen = [row for row in rows if row.batch == batch and row.threads == 1]
        chosen = [row for row in chosen if not row.is_void("C")]
        for index, (program, (colour, marker)) in enumerate(_STYLES.items()):
            # A little apart, so that none hides another.
            lift = 0.13 * (index - (len(_STYLES) - 1) / 2)
            points = [
                (ratio, titles.index(row.title) + lift)
                for row in chosen
                if (ratio := _best(row, program))
            ]
            if points:
                xs, ys = zip(*points, strict=True)
                panel.scatter(xs, ys, s=52, color=colour, marker=marker, label=program,
                              edgecolors="white", linewidths=0.8, zorder=3)  # fmt: skip
        panel.axvline(1.0, color=_INK, linewidth=1.2, zorder=2)
        panel.set_xscale("log", base=2)
        panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}×"))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_yticks(range(len(titles)), titles)
        panel.grid(color=_GRID, linewidth=0.8)
        panel.set_axisbelow(True)
        panel.tick_params(length=0, labelcolor=_QUIET)
        panel.spines[:].set_visible(False)
        panel.set_title(f"batch {batch}", loc="left", color=_INK, fontsize=11)
    panels[0][0].invert_yaxis()
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False,
                  labelcolor=_QUIET)  # fmt: skip
    figure.suptitle("Time of a peer's call ÷ time of the cell's call", x=0.01, ha="left",
                    color=_INK, fontsize=12)  # fmt: skip
    figure.supxlabel("right of 1×: the cell is faster (1 thread, float32, p50)", color=_QUIET,
                     fontsize=9)  # fmt: skip
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _best(row: Row, program: str) -> float | None:
    ours = row.entry(cells.CELL)
    times = [e.p50_us for e in row.peers("C") if e.program == program and e.p50_us]
    return min(times) / ours.p50_us if times and ours and ours.p50_us else None
