"""What a verification makes of an artifact's record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from aios.bundle.comparison import Array
from aios.bundle.coverage import proven_ranges
from aios.bundle.manifest import ArtifactRecord
from aios.bundle.ranges import SignatureRanges


class Verification(Protocol):
    """How one artifact answered: what the core tells, C++ or pure Python."""

    @property
    def ok(self) -> bool:
        """Whether every answer was within its tolerance."""

    @property
    def max_error(self) -> float:
        """The largest absolute error."""

    @property
    def worst(self) -> float:
        """The largest error in tolerances."""

    @property
    def relative_error(self) -> float | None:
        """The usual error over the output's largest magnitude."""

    @property
    def top1_agreement(self) -> float | None:
        """How often the class of the largest score is the reference's."""

    @property
    def probes(self) -> int:
        """How many samples whose reference isn't finite were asked."""

    @property
    def propagated(self) -> int:
        """How many of those were answered as the training model answers them."""

    @property
    def reason(self) -> str:
        """What went wrong."""


def judged(artifact: ArtifactRecord, entry: Verification) -> ArtifactRecord:
    """The record with the verdict and errors of a verification that ran samples."""
    return replace(
        artifact,
        verdict="passed" if entry.ok else "failed",
        max_error=_finite(entry.max_error),
        worst=_finite(entry.worst),
        relative_error=_finite(entry.relative_error),
        top1_agreement=entry.top1_agreement,
        reason=None if entry.ok else entry.reason,
        probes=entry.probes or None,
        propagated=entry.propagated if entry.probes else None,
    )


def with_proven_range(
    artifact: ArtifactRecord,
    missed: Iterable[tuple[str, int]],
    required: SignatureRanges,
    inputs: Mapping[str, Mapping[str, Array]],
) -> ArtifactRecord:
    """The record of an artifact that passed, with the ranges of input values that it is proved for.

    Args:
        artifact: A lower precision is proved near the samples alone, and has no such ranges.
        missed: Golden samples that a verification found wrong outside `required`.
        required: What had to be proved.
        inputs: All golden samples' inputs, by signature and name.
    """
    exact = artifact.golden_samples is None
    if artifact.verdict != "passed" or not exact or not any(required.values()):
        return artifact
    wrong = [(str(signature), int(sample)) for signature, sample in missed]
    ranges = {
        name: proven_ranges(own, inputs[name], {row for of, row in wrong if of == name})
        for name, own in required.items()
    }
    return replace(artifact, proven_range=ranges)


def reason_of(entry: Verification, work: Path) -> str:
    """The verification's own words, without the path of a directory that is being made."""
    return entry.reason.replace(f"{work}/", "")


def _finite(value: float | None) -> float | None:
    """JSON has no infinity: an answer that isn't finite has no largest error."""
    return value if value is not None and value < float("inf") else None
