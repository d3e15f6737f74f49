"""How to train. Imports nothing heavy: a workflow's file may build one without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aios.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Settings of one training.

    Attributes:
        epochs: Passes over the training data, 1 or more.
        batch_size: Samples per step, 1 or more.
        learning_rate: Step size of the optimizer, over 0.
        optimizer: A Keras optimizer's name, as "adam".
        seed: Seeds Python, NumPy and TensorFlow; None leaves them alone.
        early_stopping_patience: Epochs without a better validation (else training) loss before
            training stops and the best weights come back; None trains all epochs.
        checkpoint_dir: Where training is saved after each epoch, and resumed from after a kill.
        tensorboard_dir: Where TensorBoard's event files go.
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    seed: int | None = 7
    early_stopping_patience: int | None = 3
    checkpoint_dir: str | Path | None = None
    tensorboard_dir: str | Path | None = None

    def __post_init__(self) -> None:
        self._require_count("epochs", self.epochs, 20)
        self._require_count("batch_size", self.batch_size, 32)
        if self.early_stopping_patience is not None:
            self._require_count("early_stopping_patience", self.early_stopping_patience, 3)
        if not self.learning_rate > 0:
            raise InvalidArgumentError(
                f"learning_rate: expected a number over 0, as 1e-3, got {self.learning_rate!r}"
            )
        if not isinstance(self.optimizer, str):
            raise InvalidArgumentError(
                f"optimizer: expected a name, as 'adam', got {type(self.optimizer).__name__}; a "
                "compiled model given to use_model() keeps its own optimizer"
            )

    @staticmethod
    def _require_count(name: str, value: object, example: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InvalidArgumentError(
                f"{name}: expected a whole number of 1 or more, as {example}, got {value!r}"
            )
