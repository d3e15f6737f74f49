from aios.bundle.records import StateRecord
from aios.exporting.streams.states import StepStates


def test_states_are_named_by_their_layer_and_counted():
    import keras

    states, layer = StepStates(), keras.layers.LSTM(4, name="lstm")
    first = states.state(layer, (4,), "float32")
    assert (first.name, first.shape) == ("lstm_state_0", (None, 4))
    states.state(layer, (2, 3), "float32")
    assert states.records == [
        StateRecord("lstm_state_0", "lstm_next_0", "lstm"),
        StateRecord("lstm_state_1", "lstm_next_1", "lstm"),
    ]


def test_a_called_layer_forgets_the_call():
    import keras

    states, layer = StepStates(), keras.layers.Dense(2)
    layer(keras.Input((3,)))
    states.call(layer, keras.Input((3,)))
    assert len(layer._inbound_nodes) == 2
    states.forget_calls()
    assert len(layer._inbound_nodes) == 1
