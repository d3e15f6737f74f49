"""Models that a server is tried with, also by other people's clients."""

import shutil
from pathlib import Path

import numpy as np

from aios.bridge.library_check import TRIAL


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

    return Simple()


def half_plus_two():
    import tensorflow as tf

    class HalfPlusTwo(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def __call__(self, x):
            return {"y": x / 2 + 2}

    return HalfPlusTwo()


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

    return Kinds()


def write_models(folder: Path) -> Path:
    """Makes a folder to serve: each model as version 1, half_plus_two as 122 and 123.

    They are SavedModels, as TensorFlow Serving has them; "trial" is a bundle.
    """
    import tensorflow as tf

    for name, version, make in (
        ("simple", 1, simple),
        ("kinds", 1, kinds),
        ("half_plus_two", 122, half_plus_two),
        ("half_plus_two", 123, half_plus_two),
    ):
        model = make()
        tf.saved_model.save(model, str(folder / name / str(version)), signatures=model.__call__)
    shutil.copytree(TRIAL, folder / "trial" / "1.cell")
    return folder
