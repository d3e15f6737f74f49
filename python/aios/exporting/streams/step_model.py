"""The step of a Keras model: one frame and the states in, one answer and the next states out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aios.bundle.manifest import SignatureRecord
from aios.bundle.records import StateRecord
from aios.errors import UnsupportedError
from aios.exporting.sources.outputs import named_outputs
from aios.exporting.streams.layers import Frames, require_no_mask, rule_of
from aios.exporting.streams.states import StepStates


@dataclass(frozen=True, slots=True)
class StepModel:
    """A Keras model of one frame, and what carries over to the next.

    Attributes:
        model: Inputs are the whole model's with one frame each, then the states; outputs are a dict
            of the whole model's, of one frame each, and of the next states.
        states: Which input takes which output's value in the next step; all start as zeros.
    """

    model: Any
    states: tuple[StateRecord, ...]


class _Walk:
    """Applies a model's layers to one frame."""

    def __init__(self) -> None:
        self.states = StepStates()

    def run(self, model: Any, values: Any) -> Any:
        """Applies every layer of a Functional or Sequential model."""
        functional = functional_of(model)
        return functional._run_through_graph(values, operation_fn=self._step_of)

    def _step_of(self, layer: Any) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            import keras

            given = keras.tree.flatten((arguments, options))
            if not any(isinstance(value, Frames) for value in given):
                return self.states.call(layer, *arguments, **options)
            if functional_of(layer) is not None:
                return self.run(layer, arguments[0])
            return rule_of(layer)(self.states, layer, *arguments, **options)

        return step


@contextmanager
def step_model(model: Any, signature: SignatureRecord) -> Iterator[StepModel]:
    """The step of a model whose inputs have time as axis 1; the model is left as it was.

    Args:
        model: A Keras 3 model, Functional or Sequential.
        signature: Of the whole model: its names of outputs.

    Raises:
        UnsupportedError: The model can't be a stream; names the layer or the input, and says why.
    """
    import keras

    functional = functional_of(model)
    if functional is None:
        raise UnsupportedError(
            f"model '{getattr(model, 'name', model)}' is neither Functional nor Sequential, so its "
            "layers aren't known"
        )
    for layer in functional._flatten_layers(include_self=False):
        require_no_mask(layer)
    walk = _Walk()
    try:
        names = _input_names(functional)
        frames = [_frame(tensor, names[id(tensor)]) for tensor in functional.inputs]
        results = walk.run(functional, [Frames(frame) for frame in frames])
        outputs = {name: _answer(value) for name, value in named_outputs(results).items()}
        if not walk.states.records:
            raise UnsupportedError(
                "no layer keeps anything from frame to frame: ask the model itself for each frame"
            )
        kept = dict(zip((r.output for r in walk.states.records), walk.states.outputs, strict=True))
        _require_free_names(walk.states.records, signature)
        stepped = keras.Model([*frames, *walk.states.inputs], {**outputs, **kept}, name="step")
        yield StepModel(stepped, tuple(walk.states.records))
    finally:
        walk.states.forget_calls()


def functional_of(model: Any) -> Any:
    """The Functional model that a Functional or Sequential one is; None for any other object."""
    import keras

    if isinstance(model, keras.Sequential):
        return getattr(model, "_functional", None)
    return model if type(model).__name__ == "Functional" and hasattr(model, "inputs") else None


def _input_names(functional: Any) -> dict[int, str]:
    """The whole model's names of its inputs: keys of a dict, else of the Input layers."""
    structure = functional._inputs_struct
    if isinstance(structure, dict):
        return {id(tensor): name for name, tensor in structure.items()}
    return {id(tensor): tensor.name for tensor in functional.inputs}


def _frame(tensor: Any, name: str) -> Any:
    import keras

    if len(tensor.shape) < 2:
        raise UnsupportedError(
            f"input '{name}' has no time axis: a stream's inputs are [batch, time, …]"
        )
    return keras.Input((1, *tensor.shape[2:]), dtype=tensor.dtype, name=name)


def _answer(value: Any) -> Any:
    """An output of one frame: [batch, 1, …], of what has no time axis too."""
    import keras

    return value.tensor if isinstance(value, Frames) else keras.ops.expand_dims(value, 1)


def _require_free_names(records: list[StateRecord], signature: SignatureRecord) -> None:
    taken = {spec.name for spec in (*signature.inputs, *signature.outputs)}
    for record in records:
        if taken & {record.input, record.output}:
            raise UnsupportedError(
                f"'{record.input}' or '{record.output}', the names of a state, are taken by the "
                "model's own inputs and outputs; rename those"
            )
