"""Models that a server is tried with, also by other people's clients."""

import shutil
from pathlib import Path

import numpy as np

import aios


def simple():
    import tensorflow as tf

    names = ("INPUT0", "INPUT1")

    class Simple(tf.Module):
        @tf.function(
            input_signature=[{name: tf.TensorSpec([None, 16], tf.int32, name) for name in names}]
        )
        def __call__(self, tensors):
            first, second = (tensors[name] for name in names)
            return {"OUTPUT0": first + second, "OUTPUT1": first - second}

    drawn = np.random.default_rng(0)
    return Simple(), {name: drawn.integers(-9, 9, (4, 16), np.int32) for name in names}


def half_plus_two():
    import tensorflow as tf

    class HalfPlusTwo(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def __call__(self, x):
            return {"y": x / 2 + 2}

    return HalfPlusTwo(), {"x": np.arange(3, dtype=np.float32)}


#: Of the model "kinds", which gives back what it gets.
KINDS = {
    "b": np.array([[True, False], [False, True]]),
    "f16": np.array([[0.5, 2], [-3, 1e-4]], np.float16),
    "f64": np.array([[0.1, 1e300], [np.nan, -np.inf]]),
    "i8": np.array([[-128, 127], [0, 1]], np.int8),
    "i64": np.array([[-(2**63), 2**63 - 1], [0, 1]]),
    "u8": np.array([[0, 255], [1, 2]], np.uint8),
    "u64": np.array([[0, 2**64 - 1], [1, 2]], np.uint64),
    "s_bytes": np.array([[b"", b"\xff\x00"], [b"caf\xc3\xa9", b'"\\\n']], dtype=object),
    "text": np.array([[b"", b"a"], [b"caf\xc3\xa9", b'"\\\n']], dtype=object),
}


def kinds():
    import tensorflow as tf

    specs = {
        name: tf.TensorSpec(
            [None, 2], tf.string if array.dtype == object else array.dtype, name=name
        )
        for name, array in KINDS.items()
    }

    class Kinds(tf.Module):
        @tf.function(input_signature=[specs])
        def __call__(self, tensors):
            return {name: tf.identity(tensor) for name, tensor in tensors.items()}

    finite = np.array([[0.1, 1e30], [2.0, -3.0]])
    return Kinds(), {**KINDS, "f64": finite}


def export_models(folder: Path) -> Path:
    """Makes a folder to serve: each model as version 1, half_plus_two as 122 and 123."""
    for make in (simple, kinds):
        _export(make, folder / make.__name__ / "1.cell")
    _export(half_plus_two, folder / "half_plus_two" / "122.cell")
    shutil.copytree(folder / "half_plus_two" / "122.cell", folder / "half_plus_two" / "123.cell")
    return folder


def _export(make, path):
    model, samples = make()
    path.parent.mkdir(parents=True)
    aios.export(model, path, samples=samples, engines=("tensorflow",))
