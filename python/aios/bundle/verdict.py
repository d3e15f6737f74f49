"""What a verification makes of an artifact's record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from aios.bundle.manifest import ArtifactRecord

if TYPE_CHECKING:
    from aios import _core
    from aios.bridge.fallback.records import ArtifactVerification


def judged(
    artifact: ArtifactRecord, entry: ArtifactVerification | _core.ArtifactVerification
) -> ArtifactRecord:
    """The record with the verdict and errors of a verification that ran samples."""
    return replace(
        artifact,
        verdict="passed" if entry.ok else "failed",
        max_error=_finite(entry.max_error),
        worst=_finite(entry.worst),
        relative_error=_finite(entry.relative_error),
        top1_agreement=entry.top1_agreement,
        reason=None if entry.ok else entry.reason,
    )


def reason_of(entry: ArtifactVerification | _core.ArtifactVerification, work: Path) -> str:
    """The verification's own words, without the path of a directory that is being made."""
    return entry.reason.replace(f"{work}/", "")


def _finite(value: float | None) -> float | None:
    """JSON has no infinity: an answer that isn't finite has no largest error."""
    return value if value is not None and value < float("inf") else None
