"""Writes the bundle that fuzzing starts from: `python tests/fuzz/seed_bundle.py PATH`."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import aios

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [keras.Input((6,), name="x"), keras.layers.Dense(5, "relu"), keras.layers.Dense(3, "softmax")]
)
aios.export(model, sys.argv[1], overwrite=True)
