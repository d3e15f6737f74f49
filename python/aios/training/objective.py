"""Which loss and metrics fit a model and its targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from aios.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class Objective:
    """A loss to minimise and metrics to report; lists or dicts of them for several outputs."""

    loss: Any
    metrics: Any


def infer(model: Any, y: Any, *, task: str | None = None) -> Objective:
    """Chooses by each output's activation and the dtype and shape of its targets.

    Args:
        model: A built Sequential or Functional model.
        y: Targets: class numbers, one-hot rows, or floats; for several outputs a tuple in the order
            of the outputs, or a dict by output name.
        task: "classification" or "regression" where it is known.

    Raises:
        InvalidArgumentError: The targets don't fit the outputs.
    """
    outputs = model.outputs
    if isinstance(y, Mapping):
        names = list(getattr(model, "output_names", []))
        if set(y) != set(names):
            raise InvalidArgumentError(f"targets: expected a dict with {names}, got {list(y)}")
        chosen = {name: _for_output(outputs[i], y[name], task) for i, name in enumerate(names)}
        return Objective(
            {name: objective.loss for name, objective in chosen.items()},
            {name: objective.metrics for name, objective in chosen.items()},
        )
    targets = y if isinstance(y, (tuple, list)) else (y,)
    if len(targets) != len(outputs):
        raise InvalidArgumentError(
            f"targets: the model has {len(outputs)} outputs; pass a list of as many arrays, or a "
            f"dict by name, got {len(targets)}"
        )
    each = [_for_output(output, y, task) for output, y in zip(outputs, targets, strict=True)]
    if len(each) == 1:
        return each[0]
    return Objective([one.loss for one in each], [one.metrics for one in each])


def _for_output(output: Any, y: npt.NDArray[Any], task: str | None) -> Objective:
    units = output.shape[-1]
    activation = _activation(output)
    logits = activation not in ("softmax", "sigmoid")
    is_class = task != "regression" and (np.issubdtype(y.dtype, np.integer) or y.dtype == np.bool_)
    if units == 1 and task != "regression" and (activation == "sigmoid" or y.dtype == np.bool_):
        return Objective(
            keras.losses.BinaryCrossentropy(from_logits=logits),
            [keras.metrics.BinaryAccuracy("accuracy", threshold=0.0 if logits else 0.5)],
        )
    if is_class and (units is None or units > 1) and _is_class_number(y, output):
        _require_in_range(y, units)
        return Objective(
            keras.losses.SparseCategoricalCrossentropy(from_logits=logits),
            [keras.metrics.SparseCategoricalAccuracy("accuracy")],
        )
    if activation == "softmax":
        return Objective(
            keras.losses.CategoricalCrossentropy(), [keras.metrics.CategoricalAccuracy("accuracy")]
        )
    if activation == "sigmoid" and is_class:
        return Objective(
            keras.losses.BinaryCrossentropy(), [keras.metrics.BinaryAccuracy("accuracy")]
        )
    return Objective(keras.losses.MeanSquaredError(), [keras.metrics.MeanAbsoluteError("mae")])


def _activation(output: Any) -> str:
    layer = output._keras_history.operation
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    if isinstance(layer, (keras.Sequential, keras.Model)) and getattr(layer, "outputs", None):
        index = output._keras_history.tensor_index
        return _activation(layer.outputs[index])
    return getattr(getattr(layer, "activation", None), "__name__", "linear")


def _is_class_number(y: npt.NDArray[Any], output: Any) -> bool:
    rank = len(output.shape)
    return y.ndim < rank or (y.ndim == rank and y.shape[-1] == 1)


def _require_in_range(y: npt.NDArray[Any], units: int | None) -> None:
    low, high = int(y.min()), int(y.max())
    if low < 0 or (units is not None and high >= units):
        raise InvalidArgumentError(
            f"targets: expected class numbers from 0 to {(units or 0) - 1}, because the model has "
            f"{units} outputs, got {low} to {high}"
        )
