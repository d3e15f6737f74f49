"""Every layer kind, compiled, answers as Keras does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")
L = keras.layers


def _sequence(shape: tuple[int, ...], *layers: Any, dtype: str = "float32") -> Any:
    tensor = source = keras.Input(shape, dtype=dtype)
    for layer in layers:
        tensor = layer(tensor)
    return keras.Model(source, tensor)


def _two(build: Any, first: tuple[int, ...], second: tuple[int, ...]) -> Any:
    a, b = keras.Input(first, name="a"), keras.Input(second, name="b")
    return keras.Model([a, b], build(a, b))


def _activations() -> Any:
    names = ["tanh", "sigmoid", "gelu", "silu", "softplus", "elu", "selu", "leaky_relu", "relu6"]
    names += ["hard_silu", "softsign", "exponential", "mish", "hard_sigmoid", "log_softmax"]
    names += ["tanh", "softmax"]
    return _sequence((7,), *(L.Dense(5 + i % 13, name) for i, name in enumerate(names)))


def _rectifiers() -> Any:
    layers = [L.Dense(13), L.PReLU(), L.LeakyReLU(0.2), L.Dense(9)]
    layers += [L.ReLU(max_value=1.5, negative_slope=0.1), L.Dense(6), L.ReLU(threshold=0.3)]
    return _sequence((7,), *layers)


def _attention(causal: bool) -> Any:
    source = keras.Input((10, 16))
    answer = L.MultiHeadAttention(2, 8)(source, source, use_causal_mask=causal)
    return keras.Model(source, answer)


def _residual() -> Any:
    source = keras.Input((12, 12, 8))
    tensor = L.Conv2D(8, 3, padding="same", activation="relu")(source)
    tensor = L.Conv2D(8, 3, padding="same")(tensor)
    tensor = L.ReLU()(L.Add()([source, tensor]))
    return keras.Model(source, L.GlobalAveragePooling2D()(L.Concatenate()([tensor, source])))


def _several_outputs() -> Any:
    source = keras.Input((12,))
    tensor = L.Dense(16, "elu")(source)
    return keras.Model(source, [L.Dense(4, "softmax")(tensor), L.Dense(1)(tensor), tensor])


def _merges(a: Any, b: Any) -> Any:
    merged = [L.Maximum()([a, b]), L.Minimum()([a, b]), L.Subtract()([a, b])]
    merged += [L.Multiply()([a, b]), L.Average()([a, b]), L.Dot(1, normalize=True)([a, b])]
    return L.Concatenate()(merged)


def _convolutions() -> Any:
    return _sequence(
        (17, 15, 3),
        L.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
        L.Conv2D(13, (1, 3), dilation_rate=2, padding="same", activation="tanh"),
        L.AveragePooling2D(3, 2, padding="same"),
        L.Conv2D(6, 1),
    )


def _convolutions_1d() -> Any:
    return _sequence(
        (48, 4),
        L.Conv1D(16, 5, padding="causal", activation="relu"),
        L.Conv1D(16, 5, padding="causal", dilation_rate=2, activation="relu"),
        L.GlobalMaxPooling1D(),
        L.Dense(2, "softmax"),
    )


def _depthwise() -> Any:
    return _sequence(
        (12, 12, 8),
        L.DepthwiseConv2D(3, padding="same", activation="relu"),
        L.DepthwiseConv2D(5, strides=2, depth_multiplier=2),
        L.SeparableConv2D(5, 3, padding="same"),
    )


def _batch_norm() -> Any:
    return _sequence(
        (8, 8, 4),
        L.Conv2D(8, 3, use_bias=False),
        L.BatchNormalization(),
        L.ReLU(6.0),
        L.Flatten(),
        L.Dense(8),
        L.BatchNormalization(),
    )


def _shapes() -> Any:
    return _sequence(
        (6, 8, 4),
        L.ZeroPadding2D(((1, 2), (0, 1))),
        L.Cropping2D(1),
        L.Permute((2, 1, 3)),
        L.Reshape((-1, 4)),
        L.Cropping1D(1),
        L.UpSampling1D(2),
        L.Flatten(),
    )


def _resize() -> Any:
    return _sequence(
        (6, 5, 4),
        L.UpSampling2D(2, interpolation="bilinear"),
        L.Conv2D(3, 3),
        L.UpSampling2D(3, interpolation="nearest"),
        L.Resizing(9, 7),
    )


def _lstm() -> Any:
    return _sequence((9, 5), L.LSTM(9, return_sequences=True), L.LSTM(17))


def _gru() -> Any:
    return _sequence((9, 5), L.GRU(9, return_sequences=True), L.GRU(7, reset_after=False))


def _simple_rnn() -> Any:
    backwards = L.SimpleRNN(7, go_backwards=True)
    return _sequence((9, 5), L.SimpleRNN(9, return_sequences=True, activation="relu"), backwards)


def _bidirectional() -> Any:
    first = L.Bidirectional(L.LSTM(9, return_sequences=True))
    return _sequence((7, 5), first, L.Bidirectional(L.GRU(6)))


def _states() -> Any:
    source = keras.Input((6, 4))
    sequence, hidden, memory = L.LSTM(5, return_sequences=True, return_state=True)(source)
    decoded = L.LSTM(5)(sequence, initial_state=[hidden, memory])
    return keras.Model(source, [decoded, memory])


def _masked() -> Any:
    return _sequence((9,), L.Embedding(10, 6, mask_zero=True), L.LSTM(5), dtype="int32")


def _odd_recurrence() -> Any:
    """A cell that no fused kernel covers: the loop itself is compiled."""
    return _sequence((6, 4), L.LSTM(5, recurrent_activation="hard_sigmoid", activation="softsign"))


def _embedding() -> Any:
    layers = [L.Embedding(10, 12), L.GlobalAveragePooling1D(), L.Dense(4, "softmax")]
    return _sequence((9,), *layers, dtype="int32")


def _pooling() -> Any:
    return _sequence(
        (13, 11, 6), L.MaxPooling2D(3, 2, padding="same"), L.AveragePooling2D(2, 1),
        L.GlobalMaxPooling2D(),
    )  # fmt: skip


def _normalisation() -> Any:
    return _sequence(
        (6, 20), L.LayerNormalization(), L.Dense(8), L.LayerNormalization(center=False),
        L.GroupNormalization(2), L.LayerNormalization(scale=False), L.UnitNormalization(),
    )  # fmt: skip


def _index_of_largest() -> Any:
    import tensorflow as tf

    source = keras.Input((6, 5))
    largest = L.Lambda(lambda t: tf.cast(tf.argmax(t, -1), tf.float32), output_shape=(6,))
    return keras.Model(source, largest(L.Dense(7)(source)))


def _comparisons() -> Any:
    source = keras.Input((6,))
    ops = keras.ops
    low = ops.logical_and(source > -0.5, ops.logical_not(source > 0.5))
    chosen = ops.where(low, source, ops.square(source) - 1.0)
    rounded = ops.floor(source) + ops.round(source * 3.0) + ops.ceil(source) + ops.sign(source)
    powers = ops.power(ops.abs(source) + 0.1, 1.7) + ops.sqrt(ops.abs(source))
    return keras.Model(source, [chosen, rounded, powers + ops.sin(source), ops.cumsum(source, 1)])


def _masked_attention() -> Any:
    source = keras.Input((9,), dtype="int32")
    tensor = L.Embedding(10, 8, mask_zero=True)(source)
    return keras.Model(source, L.MultiHeadAttention(2, 4)(tensor, tensor))


def _grouped_residual() -> Any:
    source = keras.Input((8, 8, 8))
    wide = L.Conv2D(16, 3, groups=8, padding="same", activation="tanh")(source)
    return keras.Model(source, L.Add()([source, L.Conv2D(8, 3, groups=4, padding="same")(wide)]))


def _sequence_to_sequence(a: Any, b: Any) -> Any:
    _, hidden, memory = L.LSTM(6, return_state=True)(a)
    decoded = L.LSTM(6, return_sequences=True)(b, initial_state=[hidden, memory])
    return L.TimeDistributed(L.Dense(3))(decoded)


def _conv_lstm_states() -> Any:
    source, hidden, memory = (keras.Input(s) for s in ((3, 8, 8, 2), (4, 4, 3), (4, 4, 3)))
    sequence, *ends = L.ConvLSTM2D(
        3, 3, strides=2, padding="same", return_sequences=True, return_state=True
    )(source, initial_state=[hidden, memory])
    last = L.ConvLSTM1D(2, 3, dilation_rate=2, go_backwards=True)(L.Reshape((3, 16, 3))(sequence))
    return keras.Model([source, hidden, memory], [sequence, *ends, last])


def _own_functions() -> Any:
    import tensorflow as tf

    source = keras.Input((9, 8))
    pieces = [
        L.Lambda(lambda t: t[:, 1::2, ::-1], output_shape=(4, 8))(source),
        L.Lambda(lambda t: tf.gather(t, [3, 1, 7], axis=1), output_shape=(3, 8))(source),
        L.Lambda(lambda t: tf.nn.l2_normalize(t, -1), output_shape=(9, 8))(source),
        L.Lambda(lambda t: tf.pad(t, [[0, 0], [1, 2], [0, 0]], "REFLECT"), output_shape=(12, 8))(
            source
        ),
        L.Lambda(
            lambda t: tf.stack(tf.unstack(t, axis=1)[::-1], axis=2), output_shape=(8, 9)
        )(source),
        L.Lambda(
            lambda t: tf.reduce_max(t, 1) - tf.reduce_min(t, 1) + tf.reduce_prod(t, 1),
            output_shape=(8,),
        )(source),
    ]  # fmt: skip
    return keras.Model(source, [*pieces, L.Softmax(axis=1)(source)])


def _one_hot() -> Any:
    import tensorflow as tf

    source = keras.Input((4,), dtype="int32")
    encoded = L.Lambda(lambda t: tf.one_hot(t, 7), output_shape=(4, 7))(source)
    return keras.Model(source, L.Dense(3)(L.Flatten()(encoded)))


KINDS: dict[str, Any] = {
    "masked attention": _masked_attention,
    "grouped residual": _grouped_residual,
    "sequence to sequence": lambda: _two(_sequence_to_sequence, (5, 3), (4, 2)),
    "own functions": _own_functions,
    "one hot": _one_hot,
    "grouped queries": lambda: _two(L.GroupQueryAttention(8, 4, 2), (6, 16), (5, 16)),
    "convolutional lstm": lambda: _sequence((4, 6, 6, 2), L.ConvLSTM2D(3, 3, padding="same")),
    "convolutional lstm with states": _conv_lstm_states,
    "stacked cells": lambda: _sequence(
        (6, 3), L.RNN(L.StackedRNNCells([L.LSTMCell(4), L.GRUCell(5)]))
    ),
    "masked gru": lambda: _sequence((6, 3), L.Masking(0.0), L.GRU(5)),
    "separable conv1d": lambda: _sequence((12, 5), L.SeparableConv1D(6, 3), L.DepthwiseConv1D(3)),
    "dense": lambda: _sequence((7,), L.Dense(17, "tanh"), L.Dense(5)),
    "dense over time": lambda: _sequence((5, 7), L.Dense(17, "tanh"), L.Dense(4)),
    "activations": _activations,
    "rectifiers": _rectifiers,
    "conv2d": _convolutions,
    "conv over time": lambda: _sequence(
        (3, 8, 8, 2), L.TimeDistributed(L.Conv2D(4, 3)), L.TimeDistributed(L.Flatten()), L.LSTM(5)
    ),
    "grouped conv2d": lambda: _sequence((9, 9, 8), L.Conv2D(8, 3, groups=2), L.Conv2D(8, 3)),
    "conv1d": _convolutions_1d,
    "depthwise": _depthwise,
    "transposed": lambda: _sequence(
        (6, 6, 4),
        L.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
        L.Conv2DTranspose(3, 4, strides=2, padding="valid"),
    ),
    "transposed 1d": lambda: _sequence((10, 4), L.Conv1DTranspose(8, 3, 2, padding="same")),
    "pooling": _pooling,
    "pooling 1d": lambda: _sequence(
        (20, 6), L.MaxPooling1D(3, 2, padding="same"), L.AveragePooling1D(2)
    ),
    "batch norm": _batch_norm,
    "normalisation": _normalisation,
    "lstm": _lstm,
    "gru": _gru,
    "simple rnn": _simple_rnn,
    "bidirectional": _bidirectional,
    "states": _states,
    "masked": _masked,
    "odd recurrence": _odd_recurrence,
    "attention": lambda: _attention(False),
    "causal attention": lambda: _attention(True),
    "additive attention": lambda: _two(lambda a, b: L.AdditiveAttention()([a, b]), (4, 8), (6, 8)),
    "dot attention": lambda: _two(lambda a, b: L.Attention()([a, b]), (4, 8), (6, 8)),
    "embedding": _embedding,
    "two inputs": lambda: _two(
        lambda a, b: L.Dense(3)(L.Concatenate()([L.Dense(8, "relu")(a), L.Dense(8)(b)])),
        (4,),
        (6,),
    ),
    "several outputs": _several_outputs,
    "merges": lambda: _two(_merges, (8,), (8,)),
    "residual": _residual,
    "resize": _resize,
    "shapes": _shapes,
    "repeat": lambda: _sequence((6,), L.RepeatVector(4), L.TimeDistributed(L.Dense(3))),
    "index of largest": _index_of_largest,
    "comparisons": _comparisons,
}


@pytest.mark.parametrize("kind", KINDS)
def test_compiled_layer_answers_as_keras(kind: str, compiled: Any) -> None:
    keras.utils.set_random_seed(1)
    model = compiled(KINDS[kind](), moved=True)
    arrays = model.source.draw(11)
    assert model.worst(arrays) < 1.0
    assert model.worst([a[:1] for a in arrays]) < 1.0
    assert model.artifact.any_batch


def test_answers_tell_samples_apart(compiled: Any) -> None:
    model = compiled(_convolutions(), moved=True)
    answers = model.run(*model.source.draw(2))[0]
    assert np.abs(answers[0] - answers[1]).max() > 1e-2


def _edges() -> Any:
    """Outputs that are an input, the same tensor twice, a part of a tensor, and a product."""
    import tensorflow as tf

    a, b = keras.Input((6, 8)), keras.Input((5, 8))
    product = L.Lambda(
        lambda t: tf.matmul(t[0], t[1], transpose_b=True), output_shape=(6, 5)
    )([a, b])  # fmt: skip
    hidden = L.Dense(4, "relu")(a)
    first = L.Lambda(lambda t: t[:, :3], output_shape=(3, 4))(hidden)
    deep = L.Lambda(
        lambda t: tf.nn.depth_to_space(tf.reshape(t, (-1, 2, 3, 8)), 2), output_shape=(4, 6, 2)
    )(a)
    shallow = L.Lambda(lambda t: tf.nn.space_to_depth(t, 2), output_shape=(2, 3, 8))(deep)
    return keras.Model([a, b], [hidden, hidden, first, product, deep, shallow, b])


def test_outputs_that_share_memory_are_all_written(compiled: Any) -> None:
    model = compiled(_edges(), moved=True)
    arrays = model.source.draw(11)
    assert model.worst(arrays) < 1.0
    assert model.worst([a[:1] for a in arrays]) < 1.0
