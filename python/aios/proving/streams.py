"""The proof of a stream: its steps give the whole sequence's golden answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aios.bundle.comparison import Array, Arrays, row_errors
from aios.bundle.coverage import rows_inside
from aios.bundle.directory import BundleDirectory
from aios.bundle.golden import read_tensors, samples_of
from aios.bundle.manifest import Manifest, Tolerance
from aios.errors import CorruptBundleError

#: A bundle's stream, from its start, on sequences [batch, time, …] by name.
StreamAnswers = Callable[[Path, Arrays], Arrays]


@dataclass(frozen=True, slots=True)
class StreamProof:
    """How a stream answered `samples` sequences of `frames` frames.

    `max_error` and `worst` are the largest error of any step, absolute and in tolerances; None
    where an answer isn't finite. `reason` says where it was wrong, and is None where it is right.
    """

    ok: bool
    max_error: float | None
    worst: float | None
    samples: int
    frames: int
    reason: str | None

    @classmethod
    def of(
        cls,
        answers: StreamAnswers,
        bundle: Path,
        inputs: Arrays,
        references: Arrays,
        tolerance: Tolerance,
    ) -> StreamProof:
        """Steps through all sequences at once, then through the first one alone.

        Args:
            answers: Runs the stream.
            bundle: The bundle's directory.
            inputs: Sequences [samples, time, …], by name.
            references: The whole model's answers: [samples, time, …], or [samples, …] of the last
                frame where they have no time axis.
            tolerance: Of the whole model's answer to a sequence, which holds at every frame.
        """
        first = {name: array[:1] for name, array in inputs.items()}
        first_references = {name: array[:1] for name, array in references.items()}
        worst = _Worst()
        worst.look_at(answers(bundle, inputs), references, tolerance)
        worst.look_at(answers(bundle, first), first_references, tolerance)
        some = next(iter(inputs.values()))
        ok = worst.tolerances <= 1
        return cls(
            ok=ok,
            max_error=_finite(worst.absolute),
            worst=_finite(worst.tolerances),
            samples=some.shape[0],
            frames=some.shape[1],
            reason=None if ok else worst.reason(),
        )


def golden_sequences(bundle: Path, manifest: Manifest) -> tuple[Arrays, Arrays]:
    """Golden samples within the ranges that must be proved: inputs, and the model's answers.

    Raises:
        CorruptBundleError: The golden samples can't be read, or none is in the ranges.
    """
    signature = manifest.signatures[0]
    tensors = read_tensors(BundleDirectory(bundle), manifest.golden)
    inputs = {s.name: samples_of(tensors, signature, "inputs", s) for s in signature.inputs}
    outputs = {s.name: samples_of(tensors, signature, "outputs", s) for s in signature.outputs}
    rows = np.flatnonzero(rows_inside(inputs, manifest.input_ranges.get(signature.name, {})))
    if not rows.size:
        raise CorruptBundleError(
            f"no golden sample of '{bundle}' is in the ranges that it must be proved for; export "
            "the bundle again"
        )
    return (
        {name: np.ascontiguousarray(array[rows, 0]) for name, array in inputs.items()},
        {name: array[rows, 0] for name, array in outputs.items()},
    )


@dataclass(slots=True)
class _Worst:
    """The step that is furthest off."""

    absolute: float = 0.0
    tolerances: float = 0.0
    sample: int = 0
    frame: int = 0
    tensor: str = ""

    def look_at(self, answers: Arrays, references: Arrays, tolerance: Tolerance) -> None:
        for name, reference in references.items():
            answer = answers[name]
            if answer.ndim > reference.ndim:  # The whole model answers after the last frame.
                answer = answer[:, -1]
            errors = row_errors(answer, reference, tolerance)
            row = int(np.argmax(errors.tolerances))
            self.absolute = max(self.absolute, float(errors.absolute.max()))
            if not errors.tolerances[row] <= self.tolerances:
                self.tolerances = float(errors.tolerances[row])
                self.sample, self.tensor = row, name
                self.frame = _first_off(answer[row], reference[row])

    def reason(self) -> str:
        """Where, and how far off."""
        return (
            f"golden sample {self.sample}, frame {self.frame}, tensor '{self.tensor}': the stream "
            f"is {self.tolerances:.3g} tolerances away from the whole sequence's answer (largest "
            f"error {self.absolute:.3g})"
        )


def _first_off(answer: Array, reference: Array) -> int:
    """The frame with the largest difference; axis 0 is time."""
    if answer.ndim < 2:
        return 0
    apart = np.abs(answer.astype(np.float64) - reference.astype(np.float64))
    return int(np.argmax(np.nan_to_num(apart, nan=np.inf).reshape(len(apart), -1).max(axis=1)))


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if np.isfinite(value) else None
