"""What a training did. Imports nothing heavy."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, repr=False)
class TrainingReport:
    """History and final metrics of one training.

    Attributes:
        history: One value per epoch and metric, from the first epoch on even if an earlier process
            trained it; validation metrics start with "val_".
        metrics: The trained model's metrics, after the best weights came back. Arrays are evaluated
            again; a dataset's or generator's training metrics are the best epoch's.
        epochs: Epochs that this call trained.
        seconds: Wall-clock time of this call.
        resumed_from: Epochs that an earlier, interrupted training had done; None if none.
        stopped_early: Whether early stopping ended it.
        best_epoch: The epoch, counted from 1, whose weights the model has; None if not known.
    """

    history: dict[str, list[float]]
    metrics: dict[str, float]
    epochs: int
    seconds: float
    resumed_from: int | None
    stopped_early: bool
    best_epoch: int | None = None

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items())
        early = ", stopped early" if self.stopped_early else ""
        return f"<TrainingReport {self.epochs} epochs in {self.seconds:.3g} s{early}: {numbers}>"

    def to_json(self, path: str | Path | None = None) -> str:
        """The report as JSON, with null for what isn't finite; written to `path` if one is given.

        Example: `json.loads(report.to_json())["metrics"]["val_accuracy"]`.
        """
        text = json.dumps(_finite(asdict(self)), indent=2, allow_nan=False) + "\n"
        if path is not None:
            Path(path).write_text(text)
        return text

    def plot(self, path: str | Path) -> Path:
        """Draws every metric's curve over the epochs into a PNG, and returns its path.

        Raises:
            NotFoundError: matplotlib isn't installed; names the extra.
            InvalidArgumentError: `path` can't be written to, or there is no history.
        """
        from aios.training.plot import plot_history

        return plot_history(self.history, self.best_epoch, self.resumed_from, Path(path))


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
