"""How a Keras model is called: which named tensors, arranged as which arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aios.errors import InvalidArgumentError, UnsupportedError
from aios.exporting.sources.base import require_different

Shape = tuple[int | None, ...]
Style = Literal["structure", "array", "list", "dict", "arguments"]


@dataclass(frozen=True, slots=True)
class CallPlan:
    """Names, shapes and dtypes of the tensors in call order, and what they are packed into.

    "structure" is a Functional or Sequential model's own nesting of inputs; "array", "list" and
    "dict" are one argument; "arguments" are several, by name. `left_out` are places in a structure
    of optional inputs that get None.
    """

    style: Style
    names: tuple[str, ...]
    shapes: tuple[Shape, ...]
    dtypes: tuple[str, ...]
    left_out: tuple[int, ...] = ()

    def arguments(
        self, model: Any, values: Sequence[Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and named arguments of a call with `values`, one per name."""
        if self.style == "arguments":
            return (), dict(zip(self.names, values, strict=True))
        if self.style == "dict":
            return (dict(zip(self.names, values, strict=True)),), {}
        if self.style == "list":
            return (list(values),), {}
        if self.style == "array":
            return (values[0],), {}
        return (_packed(_structure(model), values, self.left_out),), {}


def plan(model: Any, samples: object) -> CallPlan:
    """Reads a built model's inputs; `samples` say what a subclassed model doesn't know itself.

    Raises:
        InvalidArgumentError: The model isn't built, or doesn't say what it takes.
        UnsupportedError: A ragged or sparse input.
    """
    if not model.built:
        raise InvalidArgumentError(
            f"model '{model.name}' isn't built: call it once on data, or give it an Input layer"
        )
    declared = _structure(model) is not None
    made = _declared(model, samples) if declared else _recorded(model, samples)
    require_different(made.names)
    return made


def _structure(model: Any) -> Any:
    """The nested Keras tensors that a Functional or Sequential model is called with, or None."""
    structure = getattr(model, "_inputs_struct", None)
    if structure is None:
        functional = getattr(model, "_functional", None)
        structure = getattr(functional, "_inputs_struct", None)
    return structure


def _declared(model: Any, samples: object) -> CallPlan:
    import keras

    structure = _structure(model)
    if _is_flat_dict(structure):
        named = list(structure.items())
    else:
        named = [(tensor.name, tensor) for tensor in keras.tree.flatten(structure)]
    for name, tensor in named:
        if getattr(tensor, "sparse", False) or getattr(tensor, "ragged", False):
            raise UnsupportedError(f"input '{name}' is sparse or ragged; make it dense")
    left_out = [
        place
        for place, (name, tensor) in enumerate(named)
        if isinstance(samples, Mapping) and name not in samples and _is_optional(tensor)
    ]
    kept = [item for place, item in enumerate(named) if place not in left_out]
    return CallPlan(
        "structure",
        tuple(name for name, _ in kept),
        tuple(tuple(tensor.shape) for _, tensor in kept),
        tuple(keras.backend.standardize_dtype(tensor.dtype) for _, tensor in kept),
        tuple(left_out),
    )


def _is_optional(tensor: Any) -> bool:
    """Whether it is of a keras.Input(optional=True)."""
    history = getattr(tensor, "_keras_history", None)
    return bool(getattr(getattr(history, "operation", None), "optional", False))


def _packed(structure: Any, values: Sequence[Any], left_out: Sequence[int]) -> Any:
    import keras

    left = list(values)
    for place in left_out:
        left.insert(place, None)
    if _is_flat_dict(structure):
        return dict(zip(structure, left, strict=True))
    return keras.tree.pack_sequence_as(structure, left)


def _is_flat_dict(structure: Any) -> bool:
    return isinstance(structure, dict) and all(hasattr(v, "shape") for v in structure.values())


def _recorded(model: Any, samples: object) -> CallPlan:
    """A subclassed model: the shapes of its first call, or of samples by argument name."""
    parameters = _tensor_parameters(model)
    if isinstance(samples, Mapping) and len(parameters) > 1 and set(samples) <= set(parameters):
        names = [name for name in parameters if name in samples]
        return _plan_of("arguments", names, [_shape_of(samples[name]) for name in names],
                        model, [samples[name] for name in names])  # fmt: skip
    recorded = dict(getattr(model, "_build_shapes_dict", None) or {})
    if len(recorded) > 1:
        names = [name.removesuffix("_shape") for name in recorded]
        shapes = list(recorded.values())
        given = [samples.get(name) for name in names] if isinstance(samples, Mapping) else []
        return _plan_of("arguments", names, shapes, model, given)
    required = [
        name for name, parameter in parameters.items() if parameter.default is parameter.empty
    ]
    if not recorded or len(required) > 1:
        raise InvalidArgumentError(
            f"model '{model.name}' is subclassed and takes {list(parameters)}, whose shapes Keras "
            "didn't record; call it once, then pass samples={name: array} for each of them"
        )
    return _one_argument(model, next(iter(parameters), "inputs"), recorded.popitem()[1], samples)


def _one_argument(model: Any, name: str, shape: Any, samples: object) -> CallPlan:
    if isinstance(shape, Mapping):
        names = [str(key) for key in shape]
        given = [samples.get(key) for key in names] if isinstance(samples, Mapping) else []
        return _plan_of("dict", names, list(shape.values()), model, given)
    if all(size is None or isinstance(size, int) for size in shape):
        if isinstance(samples, Mapping):
            samples = samples.get(name)
        return _plan_of("array", [name], [shape], model, [] if samples is None else [samples])
    names = [f"{name}_{index}" for index in range(len(shape))]
    given = list(samples) if isinstance(samples, (list, tuple)) else []
    if isinstance(samples, Mapping):
        given = [samples.get(key) for key in names]
    return _plan_of("list", names, list(shape), model, given)


def _plan_of(
    style: Style, names: list[str], shapes: list[Any], model: Any, given: Sequence[Any]
) -> CallPlan:
    padded = [*given, *[None] * (len(names) - len(given))]
    return CallPlan(
        style,
        tuple(names),
        tuple((None, *tuple(shape)[1:]) for shape in shapes),
        tuple(_dtype_of(model, value) for value in padded[: len(names)]),
    )


def _tensor_parameters(model: Any) -> dict[str, inspect.Parameter]:
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD,
             inspect.Parameter.KEYWORD_ONLY)  # fmt: skip
    return {
        name: parameter
        for name, parameter in inspect.signature(model.call).parameters.items()
        if name not in ("training", "mask") and parameter.kind in named
    }


def _shape_of(sample: Any) -> Shape:
    return tuple(np.shape(sample))


def _dtype_of(model: Any, sample: Any) -> str:
    """A sample's own dtype, but the model's for floats, as Keras casts those."""
    own = str(model.input_dtype)
    if sample is None:
        return own
    dtype = np.asarray(sample).dtype
    if dtype.kind in "OSU":
        return "string"
    return own if dtype.kind == "f" else dtype.name
