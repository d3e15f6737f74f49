"""Whether a model can be asked about denormals: not where its answer jumps at zero.

Engines, and threads of one engine, differ in taking denormals for zeros. A step function answers
differently then, and its denormal sample would judge the CPU's mode instead of the artifact.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from aios.bundle.comparison import Arrays, answers_agree
from aios.bundle.dtypes import float_limits, is_float
from aios.bundle.manifest import Tolerance


def jumps_at_zero(answers: Callable[[Arrays], Arrays], zeros: Arrays, tolerance: Tolerance) -> bool:
    """Whether very small normal numbers are answered otherwise than zeros are.

    The smallest may become denormal within the model, their roots don't.

    Args:
        answers: The training model.
        zeros: One call, whose floats are zeros.
        tolerance: What answers are told apart by.
    """
    floats = [name for name, array in zeros.items() if is_float(array.dtype)]
    if not floats:
        return False
    try:
        at_zero = answers(zeros)
        for sign, power in itertools.product((1, -1), (1, 0.5)):
            beside = dict(zeros)
            for name in floats:
                tiny = float(float_limits(zeros[name].dtype).tiny) ** power
                beside[name] = np.full_like(zeros[name], sign * tiny)
            if not answers_agree(answers(beside), at_zero, tolerance):
                return True
    except Exception:  # A sample that the model raises on is dropped elsewhere.
        return True
    return False
