"""The input of a training workflow: arrays to learn from, and arrays held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aios.errors import InvalidArgumentError
from aios.home.codec import storable


@storable
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TrainingData:
    """Features and targets; the validation pair is what gates and drift profiles are measured on.

    Args:
        x_train: shape [n, …].
        y_train: shape [n] or [n, …].
        x_val: shape [m, …]; None: `prepare` holds out a fifth of the training rows.
        y_val: as `y_train`.
    """

    x_train: Any
    y_train: Any
    x_val: Any = None
    y_val: Any = None

    def __post_init__(self) -> None:
        import numpy as np

        for name in ("x_train", "y_train", "x_val", "y_val"):
            value = getattr(self, name)
            if value is not None:
                array = np.asarray(value)
                if array.dtype.kind == "O":
                    raise InvalidArgumentError(
                        f"{name}: expected numbers or text of one kind, got"
                        f" {type(value).__name__} of Python objects; choose columns of one dtype,"
                        " and pad rows of different lengths"
                    )
                object.__setattr__(self, name, array)
        self._check("x_train", self.x_train, "y_train", self.y_train)
        if (self.x_val is None) != (self.y_val is None):
            raise InvalidArgumentError("expected x_val and y_val, or neither; got one of them")
        if self.x_val is not None:
            self._check("x_val", self.x_val, "y_val", self.y_val)
            if self.x_val.shape[1:] != self.x_train.shape[1:]:
                raise InvalidArgumentError(
                    f"x_val: expected rows of shape {self.x_train.shape[1:]} as in x_train,"
                    f" got {self.x_val.shape[1:]}"
                )

    def __repr__(self) -> str:
        arrays = ((name, getattr(self, name)) for name in ("x_train", "y_train", "x_val", "y_val"))
        told = (f"{name} {x.dtype}{list(x.shape)}" for name, x in arrays if x is not None)
        return f"<TrainingData {', '.join(told)}>"

    @staticmethod
    def _check(x_name: str, x: Any, y_name: str, y: Any) -> None:
        if x.ndim == 0 or y.ndim == 0 or len(x) == 0:
            raise InvalidArgumentError(f"{x_name}, {y_name}: expected at least one row")
        if len(x) != len(y):
            raise InvalidArgumentError(
                f"{x_name} has {len(x)} rows and {y_name} {len(y)}; expected as many"
            )
