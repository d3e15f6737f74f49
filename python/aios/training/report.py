"""What a training did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """History and final metrics of one `train` call.

    Attributes:
        history: One value per epoch and metric; validation metrics start with "val_".
        metrics: The trained model's metrics, after the best weights came back.
        epochs: Epochs that this call trained.
        seconds: Wall-clock time.
        resumed_from: Epochs that an earlier, interrupted training had done; None if none.
        stopped_early: Whether early stopping ended it.
    """

    history: dict[str, list[float]]
    metrics: dict[str, float]
    epochs: int
    seconds: float
    resumed_from: int | None
    stopped_early: bool
