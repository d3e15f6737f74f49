"""Which loss and metrics fit a model and its targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from aios.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class Objective:
    """A loss to minimise and metrics to report."""

    loss: Any
    metrics: tuple[Any, ...]


def infer(model: Any, y: npt.NDArray[Any]) -> Objective:
    """Chooses by the last layer's activation and the targets' dtype and shape.

    Args:
        model: A built model with one output [batch, ..., units].
        y: Targets: class numbers, one-hot rows, or floats.

    Raises:
        InvalidArgumentError: The model has several outputs, which need a loss each.
    """
    if len(model.outputs) != 1:
        raise InvalidArgumentError(
            f"the model has {len(model.outputs)} outputs: call model.compile(loss=…) on it first"
        )
    units = model.outputs[0].shape[-1]
    activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", "linear")
    is_class_number = np.issubdtype(y.dtype, np.integer) or y.dtype == np.bool_
    logits = activation not in ("softmax", "sigmoid")
    if units == 1 and (activation == "sigmoid" or (is_class_number and y.dtype == np.bool_)):
        return Objective(
            keras.losses.BinaryCrossentropy(from_logits=logits),
            (keras.metrics.BinaryAccuracy("accuracy", threshold=0.0 if logits else 0.5),),
        )
    if is_class_number and y.ndim < len(model.outputs[0].shape):
        return Objective(
            keras.losses.SparseCategoricalCrossentropy(from_logits=logits),
            (keras.metrics.SparseCategoricalAccuracy("accuracy"),),
        )
    if activation == "softmax":
        return Objective(
            keras.losses.CategoricalCrossentropy(),
            (keras.metrics.CategoricalAccuracy("accuracy"),),
        )
    return Objective(keras.losses.MeanSquaredError(), (keras.metrics.MeanAbsoluteError("mae"),))
