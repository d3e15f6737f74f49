import pytest

from aios.bundle.manifest import SignatureRecord, StateRecord, TensorRecord
from aios.errors import UnsupportedError
from aios.exporting.streams.step_model import step_model

NO_NAMES = SignatureRecord("serving_default", (), ())


def _two_of_each():
    import keras
    from keras import layers

    x, ids = keras.Input((None, 3), name="x"), keras.Input((None,), dtype="int32", name="ids")
    joined = layers.Concatenate()([x, layers.Embedding(5, 2)(ids)])
    sequence, h, c = layers.LSTM(4, return_sequences=True, return_state=True, name="lstm")(joined)
    return keras.Model({"x": x, "ids": ids}, {"each": layers.Dense(2)(sequence), "h": h, "c": c})


def test_a_step_takes_frames_and_states_and_gives_frames_and_states():
    model = _two_of_each()
    with step_model(model, NO_NAMES) as step:
        assert step.states == (
            StateRecord("lstm_state_0", "lstm_next_0", "lstm"),
            StateRecord("lstm_state_1", "lstm_next_1", "lstm"),
        )
        assert {tensor.name: tensor.shape for tensor in step.model.inputs} == {
            "ids": (None, 1), "x": (None, 1, 3),
            "lstm_state_0": (None, 4), "lstm_state_1": (None, 4),
        }  # fmt: skip
        assert {name: tensor.shape for name, tensor in step.model.output.items()} == {
            "each": (None, 1, 2), "h": (None, 1, 4), "c": (None, 1, 4),
            "lstm_next_0": (None, 4), "lstm_next_1": (None, 4),
        }  # fmt: skip


def test_the_model_is_left_as_it_was():
    model = _two_of_each()
    before = [len(layer._inbound_nodes) for layer in model.layers]
    with step_model(model, NO_NAMES):
        pass
    assert [len(layer._inbound_nodes) for layer in model.layers] == before


def test_names_of_states_that_are_taken_are_refused():
    taken = SignatureRecord("s", (TensorRecord("lstm_state_0", "float32", (-1,)),), ())
    with (
        pytest.raises(UnsupportedError, match="'lstm_state_0' or 'lstm_next_0'"),
        step_model(_two_of_each(), taken),
    ):
        pass


def test_an_input_without_time_is_refused_by_name():
    import keras

    x, scale = keras.Input((None, 3), name="x"), keras.Input((), name="scale")
    model = keras.Model([x, scale], [keras.layers.LSTM(2)(x), scale * 2])
    with (
        pytest.raises(UnsupportedError, match="input 'scale' has no time axis"),
        step_model(model, NO_NAMES),
    ):
        pass


def test_a_subclassed_model_is_refused():
    import keras

    class Own(keras.Model):
        def call(self, x):
            return x

    with (
        pytest.raises(UnsupportedError, match="neither Functional nor Sequential"),
        step_model(Own(name="own"), NO_NAMES),
    ):
        pass
