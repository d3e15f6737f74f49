"""DESIGN's float32 tolerance."""

import numpy as np


def assert_within_tolerance(answer: np.ndarray, reference: np.ndarray) -> None:
    """Compares per sample: axis 0 counts samples."""
    assert answer.shape == reference.shape
    assert answer.dtype == reference.dtype
    for got, expected in zip(answer, reference, strict=True):
        allowed = 1e-5 * max(1.0, np.abs(expected).max()) + 1e-4 * np.abs(expected)
        assert (np.abs(got - expected) <= allowed).all()
