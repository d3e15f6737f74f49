"""One small model of each kind that the product must run, with inputs that tell answers apart.

Tests and benchmarks take `KINDS`, and `build(kind, directory)` for its bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = 32
Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Kind:
    """A kind of model: `make` builds it, `draw(generator, n)` gives n samples by input name."""

    name: str
    make: Callable[[], Any]
    draw: Callable[[np.random.Generator, int], Inputs]


@dataclass(frozen=True)
class Built:
    """A kind's trained model, its bundle, and 32 samples that the bundle's golden set has too."""

    kind: Kind
    model: Any
    bundle: Path
    inputs: Inputs
    report: Any

    def answers(self, inputs: Inputs) -> dict[str, np.ndarray]:
        """Keras' own answers, by the names that the bridge gives them."""
        import tensorflow as tf

        order = [tensor.name for tensor in self.model.inputs]
        values = [tf.constant(inputs[name].tolist()) if inputs[name].dtype == object
                  else tf.constant(inputs[name]) for name in order]  # fmt: skip
        results = self.model(values if len(values) > 1 else values[0], training=False)
        if isinstance(results, dict):
            return {name: np.asarray(value) for name, value in results.items()}
        flat = results if isinstance(results, (list, tuple)) else [results]
        return {f"output_{index}": np.asarray(value) for index, value in enumerate(flat)}


def build(kind: Kind, directory: Path, engines: str | Sequence[str] = "all") -> Built:
    """Makes the model with fixed weights and exports it to DIRECTORY/NAME.cell."""
    import keras

    import aios

    keras.utils.set_random_seed(7)
    model = kind.make()
    inputs = kind.draw(np.random.default_rng(11), SAMPLES)
    bundle = directory / f"{kind.name}.cell"
    report = aios.export(model, bundle, samples=inputs, engines=engines)
    return Built(kind, model, bundle, inputs, report)


def _floats(*shape: int) -> Callable[[np.random.Generator, int], Inputs]:
    return lambda generator, n: {"x": generator.standard_normal((n, *shape)).astype(np.float32)}


def _sequential(shape: Sequence[int], *make_layers: Callable[[], Any]) -> Callable[[], Any]:
    def make() -> Any:
        import keras

        return keras.Sequential(
            [keras.Input(tuple(shape), name="x"), *(make_layer() for make_layer in make_layers)]
        )

    return make


def _layer(name: str, *args: Any, **options: Any) -> Callable[[], Any]:
    def make() -> Any:
        import keras

        return getattr(keras.layers, name)(*args, **options)

    return make


def _batch_norm() -> Any:
    """Batch normalisation whose statistics are those of noise, not the initial 0 and 1."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3), name="x"),
            layers.Conv2D(6, 3, use_bias=False),
            layers.BatchNormalization(momentum=0.0),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(4),
            layers.BatchNormalization(momentum=0.0),
        ]
    )
    noise = np.random.default_rng(3).normal(0.5, 2.0, (64, 8, 8, 3)).astype(np.float32)
    model(noise, training=True)
    return model


def _bidirectional() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((9, 4), name="x"),
            layers.Bidirectional(layers.LSTM(6, return_sequences=True)),
            layers.Bidirectional(layers.GRU(5)),
            layers.Dense(3),
        ]
    )


def _attention() -> Any:
    import keras

    layers = keras.layers
    x = keras.Input((6, 16), name="x")
    attended = layers.MultiHeadAttention(2, 8)(x, x)
    normed = layers.LayerNormalization()(layers.Add()([x, attended]))
    dense = layers.Dense(16, activation="gelu")(normed)
    pooled = layers.GlobalAveragePooling1D()(layers.Add()([normed, dense]))
    return keras.Model(x, layers.Dense(3)(pooled))


def _embedding() -> Any:
    import keras

    layers = keras.layers
    ids = keras.Input((5,), name="ids", dtype="int32")
    return keras.Model(ids, layers.Dense(3)(layers.Flatten()(layers.Embedding(50, 8)(ids))))


def _multi_input() -> Any:
    import keras

    layers = keras.layers
    image = keras.Input((6, 6, 1), name="zoom")
    scalars = keras.Input((4,), name="age")
    ids = keras.Input((2,), name="ids", dtype="int64")
    parts = [
        layers.Flatten()(layers.Conv2D(3, 3)(image)),
        layers.Dense(5)(scalars),
        layers.Flatten()(layers.Embedding(7, 3)(ids)),
    ]
    return keras.Model([image, scalars, ids], layers.Dense(2)(layers.Concatenate()(parts)))


def _multi_output() -> Any:
    import keras

    layers = keras.layers
    x = keras.Input((10,), name="x")
    trunk = layers.Dense(16, activation="relu")(x)
    return keras.Model(
        x,
        {
            "probability": layers.Dense(3, activation="softmax")(trunk),
            "age": layers.Dense(1)(trunk),
            "box": layers.Reshape((2, 2))(layers.Dense(4)(trunk)),
        },
    )


_WORDS = ("red", "green", "blue", "Zürich", "", "unknown")


def _string_lookup() -> Any:
    import keras

    layers = keras.layers
    words = keras.Input((3,), name="words", dtype="string")
    ids = layers.StringLookup(vocabulary=list(_WORDS[:4]))(words)
    return keras.Model(words, layers.Dense(3)(layers.Flatten()(layers.Embedding(5, 6)(ids))))


def _draw_words(generator: np.random.Generator, n: int) -> Inputs:
    chosen = generator.integers(0, len(_WORDS), (n, 3))
    return {"words": np.array([word.encode() for word in _WORDS], dtype=object)[chosen]}


def _draw_multi_input(generator: np.random.Generator, n: int) -> Inputs:
    return {
        "zoom": generator.standard_normal((n, 6, 6, 1)).astype(np.float32),
        "age": generator.standard_normal((n, 4)).astype(np.float32),
        "ids": generator.integers(0, 7, (n, 2)),
    }


KINDS = (
    Kind(
        "dense",
        _sequential(
            (10,),
            _layer("Dense", 64, activation="relu"),
            _layer("Dense", 32, activation="tanh"),
            _layer("Dense", 3, activation="softmax"),
        ),
        _floats(10),
    ),
    Kind(
        "conv1d",
        _sequential(
            (20, 3),
            _layer("Conv1D", 8, 3, activation="relu", padding="same"),
            _layer("Conv1D", 6, 3, dilation_rate=2),
            _layer("GlobalMaxPooling1D"),
            _layer("Dense", 3),
        ),
        _floats(20, 3),
    ),
    Kind(
        "conv2d",
        _sequential(
            (12, 12, 2),
            _layer("Conv2D", 8, 3, activation="relu"),
            _layer("Conv2D", 6, 3, strides=2, padding="same"),
            _layer("Flatten"),
            _layer("Dense", 4),
        ),
        _floats(12, 12, 2),
    ),
    Kind(
        "depthwise",
        _sequential(
            (10, 10, 4),
            _layer("DepthwiseConv2D", 3, padding="same", activation="relu6"),
            _layer("SeparableConv2D", 6, 3, strides=2),
            _layer("Flatten"),
            _layer("Dense", 3),
        ),
        _floats(10, 10, 4),
    ),
    Kind(
        "transposed",
        _sequential(
            (5, 5, 3),
            _layer("Conv2DTranspose", 4, 3, strides=2, padding="same", activation="relu"),
            _layer("Conv2DTranspose", 2, 3),
        ),
        _floats(5, 5, 3),
    ),
    Kind(
        "pooling",
        _sequential(
            (12, 12, 3),
            _layer("MaxPooling2D", 2),
            _layer("AveragePooling2D", 3, strides=1, padding="same"),
            _layer("UpSampling2D", 2),
            _layer("GlobalAveragePooling2D"),
            _layer("Dense", 3),
        ),
        _floats(12, 12, 3),
    ),
    Kind("batch_norm", _batch_norm, _floats(8, 8, 3)),
    Kind("lstm", _sequential((12, 5), _layer("LSTM", 8), _layer("Dense", 2)), _floats(12, 5)),
    Kind(
        "gru",
        _sequential(
            (12, 5), _layer("GRU", 7, return_sequences=True), _layer("GRU", 6), _layer("Dense", 2)
        ),
        _floats(12, 5),
    ),
    Kind("bidirectional", _bidirectional, _floats(9, 4)),
    Kind("attention", _attention, _floats(6, 16)),
    Kind(
        "embedding",
        _embedding,
        lambda generator, n: {"ids": generator.integers(0, 50, (n, 5)).astype(np.int32)},
    ),
    Kind("multi_input", _multi_input, _draw_multi_input),
    Kind("multi_output", _multi_output, _floats(10)),
    Kind("string_lookup", _string_lookup, _draw_words),
)
