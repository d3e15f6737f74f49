"""Random small networks, and inputs at the ends of the range, answer as Keras does.

AIOS_RANDOM_NETWORKS sets how many networks are drawn (20 unless it is set).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")
L = keras.layers

NETWORKS = int(os.environ.get("AIOS_RANDOM_NETWORKS", "20"))

_ACTIVATIONS = [None, "relu", "relu6", "tanh", "sigmoid", "gelu", "silu", "elu", "softplus",
                "leaky_relu", "hard_silu", "selu"]  # fmt: skip
# Small ones of any size, and some that are large enough for Strassen's products.
_units = st.one_of(st.integers(1, 37), st.integers(1, 37), st.sampled_from([64, 128]))
_activation = st.sampled_from(_ACTIVATIONS)


def _dense(draw: Any) -> Any:
    return L.Dense(draw(_units), draw(_activation), use_bias=draw(st.booleans()))


def _on_vectors(draw: Any, tensor: Any) -> Any:
    kind = draw(st.sampled_from(["dense", "dense", "norm", "batch norm", "residual", "softmax"]))
    if kind == "norm":
        return L.LayerNormalization()(tensor)
    if kind == "batch norm":
        return L.BatchNormalization()(tensor)
    if kind == "softmax":
        return L.Softmax()(tensor)
    if kind == "residual":
        inner = L.Dense(tensor.shape[-1], draw(_activation))(tensor)
        return L.Activation(draw(st.sampled_from(["relu", "tanh"])))(L.Add()([tensor, inner]))
    return _dense(draw)(tensor)


def _on_sequences(draw: Any, tensor: Any) -> Any:
    kind = draw(
        st.sampled_from(["conv", "pool", "lstm", "gru", "rnn", "both ways", "attention", "dense"])
    )
    units = draw(st.integers(1, 19))
    if kind == "conv":
        padding = draw(st.sampled_from(["same", "causal"]))
        width, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
        return L.Conv1D(
            units, width, padding=padding, dilation_rate=dilation, activation=draw(_activation)
        )(tensor)
    if kind == "pool":
        layer = draw(st.sampled_from([L.MaxPooling1D, L.AveragePooling1D]))
        return layer(2, draw(st.integers(1, 3)), padding="same")(tensor)
    if kind in ("lstm", "gru", "rnn", "both ways"):
        cells = {"lstm": L.LSTM, "gru": L.GRU, "rnn": L.SimpleRNN, "both ways": L.GRU}
        backwards = kind != "both ways" and draw(st.booleans())
        layer = cells[kind](units, return_sequences=True, go_backwards=backwards)
        return (L.Bidirectional(layer) if kind == "both ways" else layer)(tensor)
    if kind == "attention":
        return L.MultiHeadAttention(draw(st.integers(1, 3)), draw(st.integers(1, 9)))(
            tensor, tensor
        )
    return _dense(draw)(tensor)


def _on_images(draw: Any, tensor: Any) -> Any:
    kind = draw(st.sampled_from(["conv", "conv", "depthwise", "pool", "transposed", "batch norm"]))
    kernel = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    stride = draw(st.integers(1, 2))
    if kind == "conv":
        return L.Conv2D(draw(_units), kernel, stride, padding="same", activation=draw(_activation))(
            tensor
        )
    if kind == "depthwise":
        return L.DepthwiseConv2D(
            kernel, stride, padding="same", depth_multiplier=draw(st.integers(1, 2)),
            activation=draw(_activation),
        )(tensor)  # fmt: skip
    if kind == "pool":
        layer = draw(st.sampled_from([L.MaxPooling2D, L.AveragePooling2D]))
        return layer(draw(st.integers(1, 3)), stride, padding="same")(tensor)
    if kind == "transposed":
        if tensor.shape[1] > 12:
            return tensor
        return L.Conv2DTranspose(draw(st.integers(1, 9)), kernel, stride, padding="same")(tensor)
    return L.BatchNormalization()(tensor)


@st.composite
def networks(draw: Any) -> Any:
    """Draws a network of 1 to 5 layers over vectors, sequences or images, with a dense end."""
    world = draw(st.sampled_from(["vectors", "sequences", "images"]))
    shape = {
        "vectors": lambda: (draw(st.integers(1, 40)),),
        "sequences": lambda: (draw(st.integers(2, 14)), draw(st.integers(1, 19))),
        "images": lambda: (
            draw(st.integers(3, 14)), draw(st.integers(3, 14)), draw(st.integers(1, 17)),
        ),
    }[world]()  # fmt: skip
    grow = {"vectors": _on_vectors, "sequences": _on_sequences, "images": _on_images}[world]
    tensor = source = keras.Input(shape)
    for _ in range(draw(st.integers(1, 4))):
        tensor = grow(draw, tensor)
    if world != "vectors":
        ends = {
            "sequences": [L.Flatten, L.GlobalAveragePooling1D, L.GlobalMaxPooling1D],
            "images": [L.Flatten, L.GlobalAveragePooling2D, L.GlobalMaxPooling2D],
        }[world]
        tensor = draw(st.sampled_from(ends))()(tensor)
    end = draw(st.sampled_from([None, "softmax", "sigmoid"]))
    return keras.Model(source, L.Dense(draw(st.integers(1, 11)), end)(tensor))


@hypothesis.settings(
    max_examples=NETWORKS,
    deadline=None,
    derandomize="AIOS_RANDOM_NETWORKS" not in os.environ,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.generate],
    print_blob=True,
)
@hypothesis.given(networks(), st.sampled_from(["native", "x86-64-v3"]))
def test_random_network_answers_as_keras(build_in: Any, model: Any, target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        compiled = build_in(model, Path(folder), target)
        arrays = compiled.source.draw(43)  # 32, 8 and 3 more
        for batch in (43, 11, 1):
            assert compiled.worst([a[:batch] for a in arrays]) < 1.0


def _classifier(classes: int) -> Any:
    source = keras.Input((8,))
    return keras.Model(source, L.Dense(classes, "softmax")(source))


@pytest.mark.parametrize("classes", [3, 7, 17])
def test_softmax_of_logits_at_a_hundred_is_exact_at_the_ends(classes: int, compiled: Any) -> None:
    network = _classifier(classes)
    kernel = np.zeros((8, classes), np.float32)
    kernel[0, 0], kernel[0, -1], kernel[1, 1] = 100.0, -100.0, 100.0
    network.layers[-1].set_weights([kernel, np.zeros(classes, np.float32)])
    model = compiled(network)
    arrays = np.zeros((5, 8), np.float32)
    arrays[0, 0], arrays[1, 0], arrays[2, :2], arrays[3, 1] = 1.0, -1.0, 1.0, 0.5
    (answer,) = model.run(arrays)
    assert model.worst([arrays]) < 1.0
    np.testing.assert_allclose(answer.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(answer[4], 1 / classes, rtol=1e-6)
    assert answer[1, -1] == pytest.approx(1.0)


def _deep() -> Any:
    source = keras.Input((6,))
    tensor = L.Dense(19, "gelu")(source)
    for activation in ("tanh", "sigmoid", "silu", "elu", "softplus", "selu", "hard_silu"):
        tensor = L.Dense(17, activation)(tensor)
    return keras.Model(source, L.Dense(5)(L.LayerNormalization()(tensor)))


def test_tiny_and_huge_inputs_answer_as_keras(compiled: Any) -> None:
    model = compiled(_deep(), moved=True)
    for scale in (0.0, 1e-44, 1e-39, 1e-20, 1e-3, 1e2, 1e4, 1e8):
        assert model.worst(model.source.draw(9, scale=scale)) < 1.0, scale


def test_nan_in_one_sample_stays_in_that_sample(compiled: Any) -> None:
    model = compiled(_deep(), moved=True)
    (arrays,) = model.source.draw(11)
    (clean,) = model.run(arrays)
    arrays[4, 2] = np.nan
    (answer,) = model.run(arrays)
    assert np.isnan(answer[4]).all()
    others = np.arange(11) != 4
    np.testing.assert_array_equal(answer[others], clean[others])


def test_ids_out_of_range_read_no_foreign_memory(compiled: Any) -> None:
    source = keras.Input((3,), dtype="int32")
    model = compiled(keras.Model(source, L.Embedding(10, 4)(source)), moved=True)
    table = model.source.model.layers[-1].get_weights()[0]
    ids = np.array([[0, 9, 10], [2**31 - 1, -1, -(2**31)]], np.int32)
    (answer,) = model.run(ids)
    np.testing.assert_array_equal(answer[0], table[[0, 9, 9]])
    np.testing.assert_array_equal(answer[1], table[[9, 9, 0]])
