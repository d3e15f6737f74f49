"""How good answers are: one measure for the training model, its C++ cell, and the champion."""

from __future__ import annotations

from typing import Any


def quality_metrics(answers: Any, targets: Any) -> dict[str, float]:
    """Accuracy for classification, mean absolute and squared error for regression.

    Args:
        answers: what the model gave, [n, classes], or [n] or [n, 1] for two classes, or values.
        targets: class numbers [n] or [n, 1], one row per class [n, classes] of 0 and 1, or values.
    """
    import numpy as np

    answers, targets = np.asarray(answers), np.asarray(targets)
    classes = answers.shape[-1] if answers.ndim > 1 else 1
    flat = targets.reshape(len(targets), -1) if targets.ndim > 1 else targets[:, None]
    if classes > 1 and _is_one_hot(targets, classes):
        return {"accuracy": float(np.mean(answers.argmax(-1) == targets.argmax(-1)))}
    if np.issubdtype(targets.dtype, np.integer) or targets.dtype == np.bool_:
        if classes > 1:
            return {"accuracy": float(np.mean(answers.argmax(-1).ravel() == flat.ravel()))}
        if set(np.unique(targets).tolist()) <= {0, 1}:
            probabilities = answers.min() >= 0 and answers.max() <= 1
            chosen = answers.ravel() > (0.5 if probabilities else 0.0)
            return {"accuracy": float(np.mean(chosen == flat.ravel().astype(bool)))}
    error = answers.reshape(len(targets), -1).astype(np.float64) - flat.astype(np.float64)
    return {"mae": float(np.mean(np.abs(error))), "mse": float(np.mean(error**2))}


def _is_one_hot(targets: Any, classes: int) -> bool:
    import numpy as np

    if targets.ndim < 2 or targets.shape[-1] != classes:
        return False
    return bool(np.isin(targets, (0, 1)).all() and (targets.sum(-1) == 1).all())


def largest_difference(answers: Any, reference: Any) -> float:
    """The largest absolute difference; infinite if one of them isn't finite where the other is."""
    import numpy as np

    difference = np.abs(np.asarray(answers, np.float64) - np.asarray(reference, np.float64))
    if difference.size == 0:
        return 0.0
    return float(np.nan_to_num(difference, nan=np.inf).max())
