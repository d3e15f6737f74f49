"""Every kind of layer, frame by frame in Keras, against Keras on the whole sequence."""

import numpy as np
import pytest

from aios.bundle.manifest import SignatureRecord
from aios.errors import UnsupportedError
from aios.exporting.streams.step_model import step_model

FRAMES, FEATURES = 7, 3
NO_NAMES = SignatureRecord("serving_default", (), ())


def _layers():
    from keras import layers

    def cells(**options):
        return layers.RNN(layers.GRUCell(4), return_sequences=True, **options)

    return {
        "LSTM": [layers.LSTM(4, return_sequences=True)],
        "the last answer of an LSTM": [layers.LSTM(4)],
        "GRU": [layers.GRU(4, return_sequences=True)],
        "GRU of the older kind": [layers.GRU(4, return_sequences=True, reset_after=False)],
        "SimpleRNN": [layers.SimpleRNN(4, return_sequences=True)],
        "RNN of a cell": [cells()],
        "stacked": [layers.LSTM(4, return_sequences=True), layers.GRU(5), layers.Dense(2)],
        "causal Conv1D": [layers.Conv1D(4, 3, padding="causal", activation="relu")],
        "dilated Conv1D": [layers.Conv1D(4, 3, padding="causal", dilation_rate=2)],
        "Conv1D in groups": [layers.Conv1D(6, 2, padding="causal", groups=3)],
        "Dense per frame": [layers.Dense(4, "softmax"), layers.LSTM(2, return_sequences=True)],
        "TimeDistributed": [layers.TimeDistributed(layers.Dense(4)), layers.GRU(2)],
        "normalisation": [
            layers.BatchNormalization(), layers.LayerNormalization(), layers.Activation("tanh"),
            layers.SimpleRNN(2, return_sequences=True), layers.Dropout(0.5), layers.Softmax(),
        ],
        "a model in a model": [_inner(), layers.LeakyReLU()],
        "a block after the last frame": [
            layers.LSTM(3), layers.RepeatVector(2), layers.LSTM(2, return_sequences=True),
        ],
    }  # fmt: skip


def _inner():
    import keras

    return keras.Sequential(
        [keras.Input((FRAMES, FEATURES)), keras.layers.LSTM(4, return_sequences=True)]
    )


def _sequential(layers):
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((FRAMES, FEATURES), name="x"), *layers])
    for weight in model.trainable_weights:  # biases too
        weight.assign(np.random.default_rng(1).normal(0, 0.5, weight.shape))
    return model


def _stepped(model, x):
    """What the model's step answers, frame by frame."""
    with step_model(model, NO_NAMES) as step:
        held = {
            state.input: np.zeros((len(x), *tensor.shape[1:]), np.float32)
            for state, tensor in zip(step.states, step.model.inputs[1:], strict=True)
        }
        answers = []
        for frame in range(x.shape[1]):
            results = step.model([x[:, frame : frame + 1], *held.values()])
            held = {state.input: np.asarray(results[state.output]) for state in step.states}
            answers.append(np.asarray(results["output_0"]))
    return np.concatenate(answers, axis=1)


@pytest.mark.parametrize("kind", list(_layers()))
def test_steps_answer_as_the_whole_sequence(kind):
    model = _sequential(_layers()[kind])
    x = np.random.default_rng(2).standard_normal((2, FRAMES, FEATURES)).astype(np.float32)
    whole = np.asarray(model(x))
    stepped = _stepped(model, x)
    if stepped.ndim > whole.ndim:
        stepped = stepped[:, -1]
    assert stepped.shape == whole.shape
    np.testing.assert_allclose(stepped, whole, atol=1e-6)


def _declined():
    from keras import layers

    return {
        "'both' (Bidirectional) isn't a kind of layer": [
            layers.Bidirectional(layers.LSTM(2), name="both")
        ],
        "'back' (LSTM): it goes backwards": [layers.LSTM(2, go_backwards=True, name="back")],
        "'state' (GRU): it is stateful=True": [layers.GRU(2, stateful=True, name="state")],
        "'conv' (Conv1D): its padding is 'same'": [
            layers.Conv1D(2, 3, padding="same", name="conv")
        ],
        "'conv' (Conv1D): its stride is 2": [
            layers.Conv1D(2, 3, padding="causal", strides=2, name="conv")
        ],
        "'norm' (LayerNormalization): its axis 1 is time": [
            layers.LayerNormalization(axis=1, name="norm"), layers.LSTM(2),
        ],
        "'mask' (Masking): it makes a mask": [layers.Masking(name="mask"), layers.LSTM(2)],
        "'mean' (GlobalAveragePooling1D) isn't": [layers.GlobalAveragePooling1D(name="mean")],
        "no layer keeps anything": [layers.Dense(2)],
    }  # fmt: skip


@pytest.mark.parametrize("reason", list(_declined()))
def test_what_needs_frames_to_come_is_declined_by_name(reason):
    import keras

    layers = _declined()[reason]
    batch = 1 if "stateful" in reason else None
    model = keras.Sequential([keras.Input((FRAMES, FEATURES), batch_size=batch), *layers])
    with pytest.raises(UnsupportedError) as refusal, step_model(model, NO_NAMES):
        pass
    assert reason in str(refusal.value)
