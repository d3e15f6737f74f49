"""Writes what dense_engine.cpp reads."""

import numpy as np

from aios.bundle.manifest import ArtifactRecord, GraphRecord, hash_file
from aios.errors import UnsupportedError

_FILE = "dense/layers.bin"
_ACTIVATIONS = ("linear", "relu", "tanh", "softmax")


def make(work, source, golden, tolerance, prover):
    """The engine's artifact; other models than stacks of dense layers are declined."""
    numbers = []
    for layer in source.model.layers:
        if type(layer).__name__ != "Dense":
            raise UnsupportedError(f"it has no {type(layer).__name__}, only Dense")
        kernel, bias = layer.get_weights()
        activation = _ACTIVATIONS.index(layer.activation.__name__)
        numbers += [*kernel.shape, activation, *kernel.reshape(-1), *bias]
    (work / _FILE).parent.mkdir()
    (work / _FILE).write_bytes(np.array(numbers, np.float32).tobytes())
    return ArtifactRecord(
        "dense", "any", "float32", "pending",
        files=(hash_file(work, _FILE),), graphs=(GraphRecord(_FILE),), composable=True,
    )  # fmt: skip
