"""The standard workflow that the harness kills: a small network, trained for a few epochs."""

from __future__ import annotations

import itertools

import numpy as np
from driver import drive

from aios.training.config import TrainingConfig
from aios.workflow.gates import Gates
from aios.workflow.pipeline.training_data import TrainingData
from aios.workflow.workflow import Workflow


def build_model():
    """One hidden layer: a function of __main__, so it travels by value."""
    import keras

    return keras.Sequential(
        [
            keras.layers.Input((8,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )


def main() -> None:
    """Drive the standard workflow."""
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 8)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] > 0).astype(np.int64)
    workflow = Workflow(
        id="standard",
        training=TrainingConfig(epochs=12, early_stopping_patience=None),
        model=build_model,
        gates=Gates(min_accuracy=0.8, max_error=1e-3),
    )
    drive(workflow, itertools.repeat(TrainingData(x[:500], y[:500], x[500:], y[500:])))


if __name__ == "__main__":
    main()
