"""Mixed precision: 16-bit arithmetic while training, float32 weights, a float32 model to export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_MIXED = ("mixed_bfloat16", "mixed_float16")


def apply(model: Any, policy: str) -> None:
    """Gives every layer of a model the policy, but float32 to those that give its answers."""
    outputs = {id(layer) for layer in output_layers(model)}
    for layer in _layers(model):
        if layer.dtype_policy.name == "float32" and id(layer) not in outputs:
            layer.dtype_policy = policy
    _forget_traces(model)


@contextmanager
def as_float32(model: Any) -> Iterator[None]:
    """Runs the model in float32 within the block; weights are float32 anyway."""
    mixed = [(layer, layer.dtype_policy) for layer in _layers(model)]
    mixed = [(layer, policy) for layer, policy in mixed if policy.name in _MIXED]
    for layer, _ in mixed:
        layer.dtype_policy = "float32"
    if mixed:
        _forget_traces(model)
    try:
        yield
    finally:
        for layer, policy in mixed:
            layer.dtype_policy = policy
        if mixed:
            _forget_traces(model)


def output_layers(model: Any) -> list[Any]:
    """The layers whose results are a Sequential or Functional model's outputs; else none."""
    outputs = getattr(model, "outputs", None) or []
    return [tensor._keras_history.operation for tensor in outputs]


def _layers(model: Any) -> list[Any]:
    return list(model._flatten_layers(include_self=True, recursive=True))


def _forget_traces(model: Any) -> None:
    """Functions traced with the other policy must not answer."""
    model.train_function = model.test_function = model.predict_function = None
