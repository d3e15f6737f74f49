"""Golden samples against an interpreter's answers, by the rule of src/runtime/verifier.cpp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from aios.bridge.fallback.arrays import Array
from aios.bridge.fallback.records import ArtifactVerification
from aios.bridge.fallback.runner import Runner
from aios.bundle.golden import samples_of
from aios.bundle.manifest import ArtifactRecord, SignatureRecord, Tolerance
from aios.errors import CorruptBundleError


class Errors(NamedTuple):
    """Largest error of one tensor; infinite for NaN, and for what must be equal and isn't."""

    absolute: float
    tolerances: float
    #: Over the largest magnitude; None for what isn't floats.
    relative: float | None = None


_UNEQUAL = Errors(np.inf, np.inf)


def verify(
    runners: Mapping[SignatureRecord, Runner],
    golden: Mapping[str, Array],
    artifact: ArtifactRecord,
    max_samples: int | None = None,
) -> ArtifactVerification:
    """Runs up to `max_samples` of the golden samples that the artifact is proved on.

    They are spread over all of each signature's. A wrong answer is told, not raised; what the
    interpreter raises is passed on.
    """
    result = ArtifactVerification(artifact.engine, artifact.target, artifact.precision)
    relative_errors: list[float] = []
    agreements: list[bool] = []
    for record, runner in runners.items():
        inputs, outputs, count = _samples(golden, record)
        available = _at_most(artifact.golden_samples, count)
        wanted = _at_most(max_samples, available)
        with runner.session() as session:
            for sample in (index * available // wanted for index in range(wanted)):
                answers = session.answer([array[sample] for array in inputs])
                references = [array[sample] for array in outputs]
                for spec, answer, reference in zip(
                    record.outputs, answers, references, strict=True
                ):
                    errors = compare(answer, reference, artifact.tolerance)
                    _record(result, errors, spec.name, sample)
                    if errors.relative is not None:
                        relative_errors.append(errors.relative)
                if len(answers) == 1:
                    agreements += classes_agree(answers[0], references[0])
                result.samples += 1
    if relative_errors:
        result.relative_error = sorted(relative_errors)[len(relative_errors) // 2]
    if agreements:
        result.top1_agreement = sum(agreements) / len(agreements)
    _judge(result)
    return result


def compare(answer: Array, reference: Array, tolerance: Tolerance) -> Errors:
    """Compares one tensor with its reference."""
    if answer.dtype != reference.dtype or answer.size != reference.size:
        return _UNEQUAL
    if not np.issubdtype(reference.dtype, np.floating):
        equal = bool((answer.ravel() == reference.ravel()).all())
        return Errors(0.0, 0.0) if equal else _UNEQUAL
    if reference.size == 0:
        return Errors(0.0, 0.0, 0.0)
    expected = reference.astype(np.float64).ravel()
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        off = np.abs(answer.astype(np.float64).ravel() - expected)
        magnitude = np.abs(expected).max()
        allowed = tolerance.absolute * max(1.0, magnitude) + tolerance.relative * np.abs(expected)
        apart = np.where(off == 0, 0.0, off / allowed)
        error = np.float64(_largest(off))
        relative = 0.0 if error == 0 else _largest(error / magnitude)
    return Errors(float(error), _largest(apart), relative)


def classes_agree(answer: Array, reference: Array) -> list[bool]:
    """For each row of class scores, whether the largest is of the reference's class.

    Of equal references any is right; empty for what isn't rows of two or more floats.
    """
    scored = np.issubdtype(reference.dtype, np.floating) and reference.ndim == 2
    if not scored or reference.shape[1] < 2:
        return []
    if answer.dtype != reference.dtype or answer.size != reference.size:
        return [False] * len(reference)
    rows = np.arange(len(reference))
    scores = answer.reshape(reference.shape)
    named = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1)
    agree = reference[rows, named] == reference.max(axis=1)
    return [bool(agrees) for agrees in agree & ~np.isnan(scores[rows, named])]


def _at_most(limit: int | None, count: int) -> int:
    return count if limit is None else min(limit, count)


def _largest(errors: npt.ArrayLike) -> float:
    """A NaN is the largest of all."""
    return float(np.nan_to_num(errors, nan=np.inf, posinf=np.inf).max())


def _samples(
    golden: Mapping[str, Array], record: SignatureRecord
) -> tuple[list[Array], list[Array], int]:
    inputs = [samples_of(golden, record, "inputs", spec) for spec in record.inputs]
    outputs = [samples_of(golden, record, "outputs", spec) for spec in record.outputs]
    counts = {len(array) for array in (*inputs, *outputs)}
    if len(counts) > 1:
        raise CorruptBundleError(
            "bundle's golden samples: the numbers of samples differ; export the bundle again"
        )
    return inputs, outputs, counts.pop() if counts else 0


def _record(result: ArtifactVerification, errors: Errors, tensor: str, sample: int) -> None:
    result.max_error = max(result.max_error, errors.absolute)
    if errors.tolerances > result.worst or not result.tensor:
        result.worst = max(errors.tolerances, result.worst)
        result.tensor, result.sample = tensor, sample


def _judge(result: ArtifactVerification) -> None:
    result.ok = result.samples > 0 and result.worst <= 1
    if result.samples == 0:
        result.reason = "the bundle has no golden samples to verify with"
    elif not result.ok:
        result.reason = (
            f"golden sample {result.sample}, tensor '{result.tensor}': the answer is "
            f"{result.worst:.3g} tolerances away from the training model's (largest error "
            f"{result.max_error:.3g})"
        )
