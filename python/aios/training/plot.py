"""A training's history as a picture."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from aios.errors import InvalidArgumentError, NotFoundError

History = dict[str, list[float]]

_TRAINING, _VALIDATION, _NOTE = "#1f5fa8", "#d1602b", "#6b6b6b"


def plot_history(
    history: History, best_epoch: int | None, resumed_from: int | None, path: Path
) -> Path:
    """Draws one panel per metric, training against validation; see `TrainingReport`.

    Raises:
        NotFoundError: matplotlib isn't installed; names the extra.
        InvalidArgumentError: there is no history, or `path` can't be written.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise NotFoundError("a plot needs matplotlib: pip install aios-cells[plot]")
    names = [name for name in history if not name.startswith("val_")]
    names.sort(key=lambda name: name != "loss")
    if not names:
        raise InvalidArgumentError("the report has no history to plot: no epoch was trained")
    from matplotlib.figure import Figure

    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    # A Figure of its own: pyplot would keep it alive and choose a display.
    figure = Figure(figsize=(4.6 * columns, 3.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        _draw(panel, name, history, best_epoch, resumed_from)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    try:
        figure.savefig(path, dpi=130, format="png")
    except OSError as error:
        raise InvalidArgumentError(f"path: '{path}' can't be written to: {error}") from error
    return path


def _draw(
    panel: Any, name: str, history: History, best_epoch: int | None, resumed_from: int | None
) -> None:
    curves = ((name, "training", _TRAINING), (f"val_{name}", "validation", _VALIDATION))
    for key, label, colour in curves:
        values = history.get(key)
        if values:
            epochs = range(1, len(values) + 1)
            panel.plot(epochs, values, color=colour, label=label, marker="o", markersize=3)
    if best_epoch is not None:
        panel.axvline(best_epoch, color=_NOTE, linestyle="--", linewidth=1, label="best epoch")
    if resumed_from:
        panel.axvline(resumed_from + 0.5, color=_NOTE, linestyle=":", linewidth=1, label="resumed")
    panel.set_title(name.replace("_", " "))
    panel.set_xlabel("epoch")
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.grid(visible=True, alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False)
