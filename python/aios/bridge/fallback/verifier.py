"""Golden samples against an interpreter's answers, by the rule of src/runtime/verifier.cpp."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aios.bridge.fallback.arrays import Array
from aios.bridge.fallback.records import ArtifactVerification
from aios.bridge.fallback.runner import Runner
from aios.bundle.golden import samples_of
from aios.bundle.manifest import ArtifactRecord, SignatureRecord, Tolerance
from aios.errors import CorruptBundleError


def verify(
    runners: Mapping[SignatureRecord, Runner],
    golden: Mapping[str, Array],
    artifact: ArtifactRecord,
    max_samples: int | None = None,
) -> ArtifactVerification:
    """Runs up to `max_samples` golden samples of every signature, spread over all of them.

    A wrong answer is told, not raised; what the interpreter raises is passed on.
    """
    result = ArtifactVerification(artifact.engine, artifact.target, artifact.precision)
    for record, runner in runners.items():
        inputs, outputs, available = _samples(golden, record)
        wanted = available if max_samples is None else min(available, max_samples)
        with runner.session() as session:
            for sample in (index * available // wanted for index in range(wanted)):
                answers = session.answer([array[sample] for array in inputs])
                for spec, answer, references in zip(record.outputs, answers, outputs, strict=True):
                    errors = compare(answer, references[sample], artifact.tolerance)
                    _record(result, errors, spec.name, sample)
                result.samples += 1
    _judge(result)
    return result


def compare(answer: Array, reference: Array, tolerance: Tolerance) -> tuple[float, float]:
    """Largest error, absolute and in tolerances: infinite for NaN, and for what must be equal."""
    if answer.dtype != reference.dtype or answer.size != reference.size:
        return np.inf, np.inf
    if not np.issubdtype(reference.dtype, np.floating):
        equal = bool((answer.ravel() == reference.ravel()).all())
        return (0.0, 0.0) if equal else (np.inf, np.inf)
    if reference.size == 0:
        return 0.0, 0.0
    expected = reference.astype(np.float64).ravel()
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(answer.astype(np.float64).ravel() - expected)
        allowed = tolerance.absolute * max(1.0, float(np.abs(expected).max()))
        apart = off / (allowed + tolerance.relative * np.abs(expected))
    apart[off == 0] = 0
    return _largest(off), _largest(apart)


def _largest(errors: Array) -> float:
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


def _record(
    result: ArtifactVerification, errors: tuple[float, float], tensor: str, sample: int
) -> None:
    error, tolerances = errors
    result.max_error = max(result.max_error, error)
    if tolerances > result.worst or not result.tensor:
        result.worst = max(tolerances, result.worst)
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
