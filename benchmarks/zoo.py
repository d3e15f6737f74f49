"""The models of the benchmark: ten nets from 4 thousand to 4 billion multiply-adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

SEED = 7
BATCHES = (1, 32)


@dataclass(frozen=True, slots=True)
class ZooModel:
    """A model of the zoo.

    Attributes:
        name: A short name, for `--models` and for files.
        title: What a reader sees.
        shape: Of one input sample.
        build: Makes the Keras model, always with the same weights.
    """

    name: str
    title: str
    shape: tuple[int, ...]
    build: Callable[[], keras.Model]


def _mlp(*widths: int) -> Callable[[], keras.Model]:
    def build() -> keras.Model:
        from keras import Input, Sequential, layers

        hidden = [layers.Dense(width, activation="relu") for width in widths[1:-1]]
        return Sequential(
            [Input((widths[0],)), *hidden, layers.Dense(widths[-1], activation="softmax")]
        )

    return build


def _cnn() -> keras.Model:
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def _conv1d() -> keras.Model:
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((96, 4)),
            layers.Conv1D(16, 5, padding="causal", activation="relu"),
            layers.Conv1D(16, 5, padding="causal", dilation_rate=2, activation="relu"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(2),
        ]
    )


def _lstm() -> keras.Model:
    from keras import Input, Sequential, layers

    return Sequential([Input((32, 8)), layers.LSTM(32), layers.Dense(1)])


def _gru() -> keras.Model:
    from keras import Input, Sequential, layers

    return Sequential([Input((50, 16)), layers.GRU(64)])


def _encoder() -> keras.Model:
    from keras import Input, Model, layers

    x = inputs = Input((64, 128))
    for _ in range(4):
        attended = layers.MultiHeadAttention(4, 32)(x, x)
        x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, attended]))
        wide = layers.Dense(512, activation="gelu")(x)
        x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, layers.Dense(128)(wide)]))
    return Model(inputs, x)


def _application(name: str) -> Callable[[], keras.Model]:
    def build() -> keras.Model:
        import keras

        model = getattr(keras.applications, name)(weights=None)
        take_statistics(model)
        return model

    return build


def take_statistics(model: keras.Model) -> None:
    """Gives batch normalisation the statistics of noise; without, all answers are the same."""
    import keras

    norms = [item for item in model.layers if isinstance(item, keras.layers.BatchNormalization)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    noise = np.random.default_rng(SEED).standard_normal((8, *model.input_shape[1:]))
    model(noise.astype(np.float32), training=True)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum


ZOO = (
    ZooModel("mlp_small", "MLP 10-64-32-3", (10,), _mlp(10, 64, 32, 3)),
    ZooModel("mlp_medium", "MLP 64-128-128-10", (64,), _mlp(64, 128, 128, 10)),
    ZooModel("mlp_large", "MLP 784-512-512-10", (784,), _mlp(784, 512, 512, 10)),
    ZooModel("cnn", "CNN 28×28 (LeNet-like)", (28, 28, 1), _cnn),
    ZooModel("conv1d", "Conv1D 96×4", (96, 4), _conv1d),
    ZooModel("lstm", "LSTM(32) over 32×8", (32, 8), _lstm),
    ZooModel("gru", "GRU(64) over 50×16", (50, 16), _gru),
    ZooModel("encoder", "Encoder, 4 layers, 64×128", (64, 128), _encoder),
    ZooModel("mobilenet_v2", "MobileNetV2", (224, 224, 3), _application("MobileNetV2")),
    ZooModel("resnet50", "ResNet-50", (224, 224, 3), _application("ResNet50")),
)


def samples(model: ZooModel) -> npt.NDArray[np.float32]:
    """As many samples as the largest batch, always the same; a smaller one is the first of them."""
    shape = (max(BATCHES), *model.shape)
    return np.random.default_rng(SEED + 1).standard_normal(shape).astype(np.float32)
