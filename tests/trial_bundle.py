"""Writes the bundle that a vendor's library is tried with: python tests/trial_bundle.py

A dense net of two layers, small enough for every wheel, on the engines that are others' libraries.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from aios.bundle.manifest import read_manifest, write_manifest

TRIAL = Path(__file__).resolve().parent.parent / "python/aios/bridge/trial_bundle"


def main():
    import keras

    import aios

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((8,), name="x"), *layers])
    x = np.random.default_rng(0).standard_normal((2, 8)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "trial.cell")
        report = aios.export(model, bundle, samples=x, engines=("litert", "openvino", "tensorflow"))
        assert report.declined == {}
        manifest = read_manifest(bundle)
        golden = tuple(file for file in manifest.files if file.path == manifest.golden)
        write_manifest(bundle, replace(manifest, files=golden, provenance={}))
        shutil.rmtree(bundle / "saved_model")
        shutil.rmtree(TRIAL, ignore_errors=True)
        shutil.copytree(bundle, TRIAL)


if __name__ == "__main__":
    main()
