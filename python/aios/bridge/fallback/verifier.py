"""Golden samples against an interpreter's answers, by the rule of src/runtime/verifier.cpp."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aios.bridge.fallback.arrays import Array
from aios.bridge.fallback.records import ArtifactVerification
from aios.bridge.fallback.runner import Runner
from aios.bundle.comparison import row_errors
from aios.bundle.dtypes import is_float
from aios.bundle.golden import samples_of
from aios.bundle.manifest import ArtifactRecord, SignatureRecord, Tolerance
from aios.errors import CorruptBundleError

_Errors = tuple[float, float, float | None]
_UNEQUAL: _Errors = (np.inf, np.inf, None)


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
                    error, apart, relative = compare(answer, reference, artifact.tolerance)
                    _record(result, error, apart, spec.name, sample)
                    if relative is not None:
                        relative_errors.append(relative)
                if len(answers) == 1:
                    agreements += classes_agree(answers[0], references[0])
                result.samples += 1
    if relative_errors:
        result.relative_error = sorted(relative_errors)[len(relative_errors) // 2]
    if agreements:
        result.top1_agreement = sum(agreements) / len(agreements)
    _judge(result)
    return result


def compare(answer: Array, reference: Array, tolerance: Tolerance) -> _Errors:
    """The largest error of one tensor: absolute, in tolerances, and relative to its magnitude."""
    if answer.dtype != reference.dtype or answer.size != reference.size:
        return _UNEQUAL
    absolute, apart, relative = row_errors(
        answer.reshape(1, -1), reference.reshape(1, -1), tolerance
    )
    return float(absolute[0]), float(apart[0]), None if relative is None else float(relative[0])


def classes_agree(answer: Array, reference: Array) -> list[bool]:
    """For each row of class scores, whether the largest is of the reference's class.

    Of equal references any is right; empty for what isn't rows of two or more floats.
    """
    scored = is_float(reference.dtype) and reference.ndim == 2
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


def _record(
    result: ArtifactVerification, error: float, apart: float, tensor: str, sample: int
) -> None:
    result.max_error = max(result.max_error, error)
    if apart > result.worst or not result.tensor:
        result.worst = max(apart, result.worst)
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
