"""Points around one centre per class: what a small net learns in seconds."""

import numpy as np

import aios


def blobs(classes=3, count=300, seed=0):
    generator = np.random.default_rng(seed)
    y = generator.integers(0, classes, count)
    x = generator.standard_normal((count, 5)).astype(np.float32)
    x[np.arange(count), y] += 6
    return x, y


def new_cell(**options):
    return aios.TensorFlowTrainingCell(aios.TrainingConfig(**{"epochs": 5, **options}))


def trained(x_train, y_train=None, x_val=None, y_val=None, **options):
    """A cell for `blobs()` after four epochs, and its report."""
    cell = new_cell(epochs=4, learning_rate=0.02, early_stopping_patience=None)
    cell.create_model((5,), 3)
    return cell, cell.train(x_train, y_train, x_val, y_val, **options)


def flat_weights(model):
    return np.concatenate([np.asarray(weight).ravel() for weight in model.get_weights()])
