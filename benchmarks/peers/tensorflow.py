"""TensorFlow: a frozen graph through its C API, and a SavedModel's signature from Python."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.contender import Array, Contender
from benchmarks.files import ModelFiles
from benchmarks.peers.cells import cell_from_c
from benchmarks.timing import PythonCall


def contenders(files: ModelFiles, x: Array, threads: int) -> Iterator[Contender]:
    """The C API through a cell, and the signature."""
    import tensorflow as tf

    yield cell_from_c(files, x, threads, "tensorflow")
    loaded = tf.saved_model.load(str(files.bundle / "saved_model"))
    signature = loaded.signatures["serving_default"]
    (source,) = signature.structured_input_signature[1]
    (target,) = signature.structured_outputs
    keep = loaded

    def python(keep: object = keep) -> Array:
        return signature(**{source: tf.constant(x)})[target].numpy()

    config = f"SavedModel signature, intra_op={threads}"
    call = PythonCall(python)
    name = "TensorFlow signature"
    yield Contender(name, "TensorFlow", config, "Python", call, lambda: np.array(python()))
