"""Writes one model's files: a bundle, each peer's own format, and Keras's answers.

Run by benchmarks.files: python -m benchmarks.formats MODEL PEERS_FOLDER BUNDLE
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

from benchmarks.counting import multiply_adds
from benchmarks.onnx_graphs import frozen, write_onnx
from benchmarks.zoo import BATCHES, SEED, ZOO, ZooModel, samples

if TYPE_CHECKING:
    import keras


def main() -> None:
    """Writes what isn't there yet."""
    import keras

    import aios

    name, peers, bundle = sys.argv[1:]
    warnings.simplefilter("ignore")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    (model,) = (item for item in ZOO if item.name == name)
    keras.utils.set_random_seed(SEED)
    network = model.build()
    if not Path(peers).exists():
        _write_peers(Path(peers), model, network)
    if not Path(bundle).exists():
        aios.export(network, bundle, samples=samples(model)[:4])


def _write_peers(folder: Path, model: ZooModel, network: keras.Model) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    pending = Path(tempfile.mkdtemp(dir=folder.parent, prefix="pending-"))
    try:
        np.save(pending / "reference.npy", np.asarray(network(samples(model), training=False)))
        weights = sum(int(np.prod(w.shape)) for w in network.weights)
        facts = {
            "multiply_adds": multiply_adds(network),
            "parameters": weights,
            "weight_bytes": 4 * weights,
        }
        (pending / "facts.json").write_text(json.dumps(facts))
        for batch in BATCHES:
            (pending / f"b{batch}.tflite").write_bytes(_tflite(network, model.shape, batch))
            write_onnx(network, model.shape, batch, pending / f"b{batch}.onnx")
        pending.rename(folder)
    finally:
        shutil.rmtree(pending, ignore_errors=True)


def _tflite(network: keras.Model, shape: tuple[int, ...], batch: int) -> bytes:
    import tensorflow as tf

    # Frozen: with variables the converter leaves READ_VARIABLE, which LiteRT answers wrongly.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen(network, shape, batch)])
    return bytes(converter.convert())


if __name__ == "__main__":
    main()
