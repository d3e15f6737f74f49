"""A contender: one program in one configuration that answers a batch of one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aios.bundle.comparison import tolerances_apart
from aios.bundle.manifest import Tolerance
from benchmarks.timing import Call

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Contender:
    """What takes part.

    Attributes:
        name: Unique within a row of the table.
        program: Who answers: "AIOS", "LiteRT", "ONNX Runtime", "OpenVINO" or "TensorFlow".
        config: How it is called and set up, for the reader.
        level: "C" for a call of C code with bound buffers, "Python" for array in, array out.
        call: What is timed.
        answer: Makes one call and returns a copy of its answer.
        engine: Of a cell: the engine that answers; for `auto`, the one that it took.
    """

    name: str
    program: str
    config: str
    level: str
    call: Call
    answer: Callable[[], Array]
    engine: str = ""


def tolerances(answer: Array, reference: Array) -> float:
    """The largest error in units of the float32 tolerance that bundles are verified with."""
    if answer.shape != reference.shape:
        return float("inf")
    return float(tolerances_apart(answer, reference, Tolerance()).max(initial=0.0))
