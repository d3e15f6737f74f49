"""Golden samples against an interpreter's answers, by the rule of src/runtime/verifier.cpp."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from aios.bridge.fallback.arrays import Array
from aios.bridge.fallback.engine import Session
from aios.bridge.fallback.records import ArtifactVerification
from aios.bridge.fallback.runner import Runner
from aios.bundle.comparison import hides_nothing, tensor_errors
from aios.bundle.coverage import rows_inside
from aios.bundle.dtypes import is_float
from aios.bundle.golden import samples_of
from aios.bundle.manifest import ArtifactRecord, SignatureRecord, Tolerance
from aios.bundle.ranges import SignatureRanges
from aios.errors import AiosError, CorruptBundleError


def verify(
    runners: Mapping[SignatureRecord, Runner],
    golden: Mapping[str, Array],
    artifact: ArtifactRecord,
    ranges: SignatureRanges,
    max_samples: int | None = None,
) -> ArtifactVerification:
    """Runs up to `max_samples` of the golden samples that the artifact is proved on.

    They are spread over all of each signature's that lie in `ranges`. Where all are asked for, the
    probes are run too; and of a pending artifact, the samples outside. A wrong answer is told, not
    raised; what the interpreter raises on samples that judge is passed on.
    """
    result = ArtifactVerification(*artifact.key)
    relative_errors: list[float] = []
    agreements: list[bool] = []
    for record, runner in runners.items():
        samples = _calls(golden, record, "")
        inside = rows_inside(samples.inputs, ranges.get(record.name, {}))
        inside = inside[: artifact.golden_samples]
        judging = np.flatnonzero(inside)
        wanted = _at_most(max_samples, len(judging))
        with runner.session() as session:
            for sample in (judging[index * len(judging) // wanted] for index in range(wanted)):
                answers, references = samples.answered(session, sample)
                for spec, answer, reference in zip(
                    record.outputs, answers, references, strict=True
                ):
                    error, apart, relative = tensor_errors(answer, reference, artifact.tolerance)
                    _record(result, error, apart, spec.name, int(sample))
                    if relative is not None:
                        relative_errors.append(relative)
                if len(answers) == 1:
                    agreements += classes_agree(answers[0], references[0])
                result.samples += 1
            if max_samples is None:
                outside = np.flatnonzero(~inside & (artifact.verdict == "pending"))
                result.missed += [
                    (record.name, sample)
                    for sample in map(int, outside)
                    if not _passes(session, samples, sample, partial(within, artifact.tolerance))
                ]
                probes = _calls(golden, record, "probe_")
                result.probes += probes.count
                result.propagated += sum(
                    _passes(session, probes, probe, hides_nothing) for probe in range(probes.count)
                )
    if relative_errors:
        result.relative_error = sorted(relative_errors)[len(relative_errors) // 2]
    if agreements:
        result.top1_agreement = sum(agreements) / len(agreements)
    _judge(result)
    return result


def within(tolerance: Tolerance, answer: Array, reference: Array) -> bool:
    """Whether a tensor is answered within the tolerance."""
    return tensor_errors(answer, reference, tolerance).tolerances <= 1


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


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls and their references, of the tensors in the signature's order."""

    inputs: dict[str, Array]
    outputs: list[Array]
    count: int

    def answered(self, session: Session, call: int) -> tuple[list[Array], list[Array]]:
        answers = session.answer([array[call] for array in self.inputs.values()])
        return answers, [array[call] for array in self.outputs]


def _calls(golden: Mapping[str, Array], record: SignatureRecord, kind: str) -> _Calls:
    """The samples, or of the kind "probe_" the probes, which a bundle may not have."""
    probes = (f"{record.name}/{kind}outputs/{spec.name}" for spec in record.outputs)
    if kind and not any(name in golden for name in probes):
        return _Calls({}, [], 0)
    inputs = {
        spec.name: samples_of(golden, record, f"{kind}inputs", spec) for spec in record.inputs
    }
    outputs = [samples_of(golden, record, f"{kind}outputs", spec) for spec in record.outputs]
    counts = {len(array) for array in (*inputs.values(), *outputs)}
    if len(counts) > 1:
        raise CorruptBundleError(
            "bundle's golden samples: the numbers of samples differ; export the bundle again"
        )
    return _Calls(inputs, outputs, counts.pop() if counts else 0)


def _passes(
    session: Session,
    calls: _Calls,
    call: int,
    test: Callable[[Array, Array], bool],
) -> bool:
    try:
        answers, references = calls.answered(session, call)
    except AiosError:
        return False
    return all(
        test(answer, reference) for answer, reference in zip(answers, references, strict=True)
    )


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
