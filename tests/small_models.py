"""Keras models that are small to compile: dense layers, convolutions, recurrent layers."""

from __future__ import annotations

from typing import Any


def digits_net() -> Any:
    """Three dense layers, 10 numbers in, 3 classes out."""
    import keras

    layers = keras.layers
    source = keras.Input((10,), name="x")
    hidden = layers.Dense(32, "relu")(layers.Dense(64, "relu")(source))
    return keras.Model(source, layers.Dense(3, "softmax")(hidden))


def small_cnn() -> Any:
    """Two convolutions of 12 x 12 pixels, 10 classes out."""
    import keras

    layers = keras.layers
    source = keras.Input((12, 12, 1))
    tensor = layers.MaxPooling2D()(layers.Conv2D(8, 3, activation="relu")(source))
    tensor = layers.Conv2D(12, 3, padding="same", activation="relu")(tensor)
    return keras.Model(source, layers.Dense(10, "softmax")(layers.Flatten()(tensor)))


def recurrent_net() -> Any:
    """An LSTM and a GRU over 7 steps of 3 numbers."""
    import keras

    layers = keras.layers
    source = keras.Input((7, 3))
    hidden = layers.GRU(6)(layers.LSTM(5, return_sequences=True)(source))
    return keras.Model(source, layers.Dense(2)(hidden))
