"""What a training tells while it goes on: on stderr, because stdout is for data."""

from __future__ import annotations

import sys
from typing import Any, Final, Literal

import keras
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from aios.errors import InvalidArgumentError

Verbose = bool | Literal["auto", 0, 1, 2]

#: A long training tells about as many epochs as this, and its last one.
_LINES: Final = 20


def require_verbose(verbose: Any) -> None:
    """Refuses what doesn't say what to tell.

    Raises:
        InvalidArgumentError: It doesn't.
    """
    if isinstance(verbose, (str, int)) and verbose in ("auto", 0, 1, 2):
        return
    raise InvalidArgumentError(
        f"verbose: expected 'auto', 0 (nothing), 1 (a bar) or 2 (a line per epoch), got {verbose!r}"
    )


def reporter(verbose: Verbose, epochs: int) -> list[Any]:
    """The callback that tells what `verbose` asks for: one or none."""
    if verbose == "auto":
        if sys.stderr.isatty():
            return [ProgressBar(epochs)]
        return [ProgressLines(epochs, every=max(1, epochs // _LINES))]
    if verbose == 2:
        return [ProgressLines(epochs)]
    return [ProgressBar(epochs)] if verbose else []


def close(reporters: list[Any]) -> None:
    """Ends what still draws, as after an error: Keras tells callbacks only of a good end."""
    for callback in reporters:
        if isinstance(callback, ProgressBar):
            callback.on_train_end()


class ProgressBar(keras.callbacks.Callback):
    """A line that counts epochs, and below it the last epoch's metrics, which fold."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._bar = Progress(
            TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        )
        self._task = self._bar.add_task("training", total=epochs)
        self._metrics = Text()
        self._live = Live(console=Console(stderr=True), get_renderable=self._screen)

    def _screen(self) -> Group:
        return Group(self._bar, self._metrics) if self._metrics else Group(self._bar)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Shows the bar."""
        self._live.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves the bar on by one epoch."""
        self._bar.update(self._task, completed=epoch + 1)
        self._metrics = Text(_metrics(logs))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leaves the bar as it stands."""
        self._live.stop()


class ProgressLines(keras.callbacks.Callback):
    """A line for each epoch, or for every so many, the first and the last: for logs."""

    def __init__(self, epochs: int, every: int = 1) -> None:
        super().__init__()
        self._epochs = epochs
        self._every = every
        self._last = ""
        self._done = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells the epoch, or keeps it in case that it is the last."""
        self._done = done = epoch + 1
        self._last = f"epoch {done}/{self._epochs}  {_metrics(logs)}"
        if done == 1 or done % self._every == 0:
            self._tell()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Tells the last epoch, if it wasn't, and that training has stopped before its time."""
        self._tell()
        if self._done < self._epochs:
            self._last = f"stopped after epoch {self._done} of {self._epochs}"
            self._tell()

    def _tell(self) -> None:
        if self._last:
            print(self._last, file=sys.stderr, flush=True)
        self._last = ""


def _metrics(logs: dict[str, Any] | None) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in (logs or {}).items())
