"""What each kind of layer does to one frame, and what it keeps for the next.

A rule takes the states, the layer and its arguments, as Keras would call it, with `Frames` in place
of tensors that have the stream's time axis. Kinds without a rule are declined by name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aios.errors import UnsupportedError
from aios.exporting.streams.states import StepStates

Rule = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Frames:
    """A Keras tensor [batch, 1, …] of one frame, where the whole model has [batch, time, …]."""

    tensor: Any


def named(layer: Any) -> str:
    """A layer as messages call it, as "layer 'lstm' (LSTM)"."""
    return f"layer '{layer.name}' ({type(layer).__name__})"


def rule_of(layer: Any) -> Rule:
    """The rule of a layer.

    Raises:
        UnsupportedError: It is of a kind that has none.
    """
    import keras

    rule = _rules().get(type(layer))
    if rule is not None:
        return rule
    if isinstance(layer, keras.Layer):
        raise UnsupportedError(f"{named(layer)} isn't a kind of layer that a stream has")
    raise UnsupportedError(
        f"operation '{layer.name}' ({type(layer).__name__}) stands between layers, and a stream "
        "has layers alone; put it into one that it has, or behind the stream"
    )


def require_no_mask(layer: Any) -> None:
    """Refuses a layer that makes a mask: Keras's layers then pass frames over."""
    import keras

    if isinstance(layer, keras.layers.Masking) or getattr(layer, "mask_zero", False):
        raise _declined(layer, "it makes a mask, which a stream doesn't carry")


@functools.cache
def _rules() -> dict[type, Rule]:
    """The rule of each class of layers. A subclass may do anything, so it has none."""
    from keras import layers

    recurrent = (layers.LSTM, layers.GRU, layers.SimpleRNN, layers.RNN)
    per_frame = (
        layers.Activation, layers.ActivityRegularization, layers.AlphaDropout, layers.Dense,
        layers.Dropout, layers.ELU, layers.Embedding, layers.GaussianDropout, layers.GaussianNoise,
        layers.Identity, layers.LeakyReLU, layers.ReLU, layers.Rescaling, layers.SpatialDropout1D,
    )  # fmt: skip
    by_axis = (layers.BatchNormalization, layers.LayerNormalization, layers.Softmax)
    merging = (
        layers.Add, layers.Average, layers.Concatenate, layers.Maximum, layers.Minimum,
        layers.Multiply, layers.Subtract,
    )  # fmt: skip
    return {
        **dict.fromkeys(recurrent, _recurrent),
        **dict.fromkeys(per_frame, _per_frame),
        **dict.fromkeys(by_axis, _along_axis),
        **dict.fromkeys(merging, _merged),
        layers.TimeDistributed: _time_distributed,
        layers.Conv1D: _causal_convolution,
    }


def _cells() -> tuple[type, ...]:
    from keras import layers

    return layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell


def _recurrent(
    states: StepStates,
    layer: Any,
    frames: Any,
    initial_state: Any = None,
    mask: Any = None,
    **_: Any,
) -> Any:
    """One turn of the loop over time, with its states from outside: the compiler knows the loop."""
    import keras

    if layer.go_backwards:
        raise _declined(layer, "it goes backwards, from the last frame")
    if layer.stateful:
        raise _declined(layer, "it is stateful=True; build it with False: a stream keeps the state")
    if initial_state is not None:
        raise _declined(layer, "it is given its initial state, and a stream starts with zeros")
    if mask is not None:
        raise _declined(layer, "it is given a mask")
    if type(layer.cell) not in _cells():
        raise _declined(layer, f"it runs a {type(layer.cell).__name__}")
    sizes = keras.tree.flatten(layer.cell.state_size)
    before = [states.state(layer, (size,), layer.cell.compute_dtype) for size in sizes]
    turn = keras.layers.RNN(
        layer.cell, return_sequences=True, return_state=True, dtype=layer.dtype_policy
    )
    answer, *after = turn(frames.tensor, initial_state=before)
    states.keep(*after)
    result = Frames(answer) if layer.return_sequences else keras.ops.squeeze(answer, 1)
    return (result, *after) if layer.return_state else result


def _causal_convolution(states: StepStates, layer: Any, frames: Frames) -> Frames:
    """A window of the last frames slides by one; before the first there are zeros, as in Keras."""
    import keras

    if layer.padding != "causal":
        raise _declined(
            layer, f"its padding is {layer.padding!r}, which needs frames to come; use 'causal'"
        )
    if layer.strides != (1,):
        raise _declined(
            layer, f"its stride is {layer.strides[0]}, so not every frame has an answer"
        )
    if layer.data_format != "channels_last":
        raise _declined(layer, "time is the last axis of its data_format 'channels_first'")
    past = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
    window = frames.tensor
    if past:
        channels = window.shape[-1]
        before = states.state(layer, (past, channels), window.dtype)
        window = keras.ops.concatenate([before, window], axis=1)
        states.keep(window[:, 1:])
    options = {**layer.get_config(), "padding": "valid", "name": f"{layer.name}_step"}
    twin = type(layer).from_config(options)
    twin.build(window.shape)
    twin.set_weights(layer.get_weights())
    return Frames(twin(window))


def _per_frame(states: StepStates, layer: Any, frames: Frames, **_: Any) -> Frames:
    activation = getattr(layer, "activation", None)
    if getattr(activation, "__name__", "") in ("softmax", "log_softmax"):
        _require_past_time(layer, frames.tensor, -1)
    return Frames(states.call(layer, frames.tensor))


def _along_axis(states: StepStates, layer: Any, frames: Frames, **options: Any) -> Frames:
    if options.get("mask") is not None:
        raise _declined(layer, "it is given a mask")
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else (layer.axis,)
    for axis in axes:
        _require_past_time(layer, frames.tensor, axis)
    return Frames(states.call(layer, frames.tensor))


def _merged(states: StepStates, layer: Any, parts: Any) -> Frames:
    if not all(isinstance(part, Frames) for part in parts):
        raise _declined(layer, "it joins frames with what has no time axis")
    ranks = {len(part.tensor.shape) for part in parts}
    if len(ranks) > 1:
        raise _declined(layer, "it joins tensors of different ranks")
    if hasattr(layer, "axis"):
        _require_past_time(layer, parts[0].tensor, layer.axis)
    return Frames(states.call(layer, [part.tensor for part in parts]))


def _time_distributed(states: StepStates, layer: Any, frames: Frames, mask: Any = None) -> Frames:
    import keras

    if mask is not None:
        raise _declined(layer, "it is given a mask")
    answer = states.call(layer.layer, keras.ops.squeeze(frames.tensor, 1))
    return Frames(keras.ops.expand_dims(answer, 1))


def _require_past_time(layer: Any, tensor: Any, axis: int) -> None:
    """Refuses an axis that is time, or the batch."""
    if axis % len(tensor.shape) < 2:
        raise _declined(layer, f"its axis {axis} is time, so it needs all frames")


def _declined(layer: Any, why: str) -> UnsupportedError:
    return UnsupportedError(f"{named(layer)}: {why}")
