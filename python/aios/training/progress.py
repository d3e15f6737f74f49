"""A progress bar for training: on stderr, because stdout is for data."""

from __future__ import annotations

import sys
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class ProgressBar(keras.callbacks.Callback):
    """One line that counts epochs and shows the last epoch's metrics."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metrics]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("training", total=epochs, metrics="")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Shows the bar."""
        self._progress.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves the bar on by one epoch."""
        metrics = "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
        self._progress.update(self._task, completed=epoch + 1, metrics=metrics)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leaves the bar as it stands."""
        self._progress.stop()


def wanted() -> bool:
    """Whether somebody is watching."""
    return sys.stderr.isatty()
