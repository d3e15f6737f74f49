"""Answers against references, by the rule and the float32 tolerance of bundles."""

import numpy as np

from aios.bundle.comparison import tolerances_apart
from aios.bundle.manifest import Tolerance


def assert_within_tolerance(answer: np.ndarray, reference: np.ndarray) -> None:
    """Compares per sample: axis 0 counts samples."""
    assert answer.shape == reference.shape
    assert answer.dtype == reference.dtype
    apart = tolerances_apart(answer, reference, Tolerance()).max(initial=0.0)
    assert apart <= 1, f"{apart:.3g} tolerances apart"
