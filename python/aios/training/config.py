"""How to train. Imports nothing heavy: a workflow's file may build one without TensorFlow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from aios.errors import InvalidArgumentError

_MIXED = ("mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Settings of one training.

    Attributes:
        epochs: Passes over the training data, 1 or more.
        batch_size: Samples per step, 1 or more; datasets and generators bring their own batches.
        learning_rate: Step size of the optimizer, over 0.
        optimizer: A Keras optimizer's name, as "adam".
        seed: Seeds Python, NumPy, TensorFlow and the order of the samples; None leaves them to
            chance.
        early_stopping_patience: Epochs without a better validation (else training) loss before
            training stops and the best weights come back; None trains all epochs. The default, 10,
            lets a loss that goes up and down go on: 20 epochs stop early only where the second half
            brings nothing.
        checkpoint_dir: Where training is saved after each epoch, and resumed from after a kill;
            the checkpoint is removed when training completes.
        tensorboard_dir: Where TensorBoard's event files go.
        mixed_precision: False for float32; "mixed_bfloat16" or "mixed_float16" computes in 16
            bits and keeps float32 weights; True is "mixed_bfloat16". What is exported is float32.
        keep_checkpoint: Leaves the checkpoint of a complete training, for whoever has still to keep
            the model somewhere: killed before that, it has nothing left to train.
    """

    epochs: int = 20
    batch_size: int = 32
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    seed: int | None = 7
    early_stopping_patience: int | None = 10
    checkpoint_dir: str | Path | None = None
    tensorboard_dir: str | Path | None = None
    mixed_precision: bool | str = False
    keep_checkpoint: bool = False

    def __post_init__(self) -> None:
        self._require_count("epochs", self.epochs, 20)
        self._require_count("batch_size", self.batch_size, 32)
        if self.early_stopping_patience is not None:
            self._require_count("early_stopping_patience", self.early_stopping_patience, 10)
        self._require_rate()
        if not isinstance(self.optimizer, str):
            raise InvalidArgumentError(
                f"optimizer: expected a name, as 'adam', got {type(self.optimizer).__name__}; a "
                "compiled model given to use_model() keeps its own optimizer"
            )
        self._require_seed()
        for name in ("checkpoint_dir", "tensorboard_dir"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, (str, PathLike)):
                raise InvalidArgumentError(
                    f"{name}: expected a directory, as 'runs/digits', got {value!r}"
                )
        if not isinstance(self.keep_checkpoint, bool):
            raise InvalidArgumentError(
                f"keep_checkpoint: expected True or False, as False, got {self.keep_checkpoint!r}"
            )
        if not isinstance(self.mixed_precision, bool) and self.mixed_precision not in _MIXED:
            raise InvalidArgumentError(
                f"mixed_precision: expected False, True or a policy, as 'mixed_bfloat16' or "
                f"'mixed_float16', got {self.mixed_precision!r}"
            )

    @property
    def precision_policy(self) -> str | None:
        """The name of Keras's mixed-precision policy; None for float32."""
        if isinstance(self.mixed_precision, str):
            return self.mixed_precision
        return "mixed_bfloat16" if self.mixed_precision else None

    def _require_rate(self) -> None:
        rate = self.learning_rate
        number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
        if not number or not (rate > 0 and math.isfinite(rate)):
            raise InvalidArgumentError(
                f"learning_rate: expected a number over 0, as 1e-3, got {rate!r}"
            )

    def _require_seed(self) -> None:
        seed = self.seed
        if seed is None:
            return
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
            raise InvalidArgumentError(
                f"seed: expected a whole number from 0 to 2**32 - 1 or None, as 7, got {seed!r}"
            )

    @staticmethod
    def _require_count(name: str, value: object, example: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InvalidArgumentError(
                f"{name}: expected a whole number of 1 or more, as {example}, got {value!r}"
            )
