"""What a lower precision must show besides answers within its tolerance, which is wide."""

from __future__ import annotations

from collections.abc import Sequence

from aios.bundle.manifest import ArtifactRecord
from aios.bundle.precision import FLOAT32
from aios.exporting.golden import GoldenSet


def objection(artifact: ArtifactRecord, sets: Sequence[GoldenSet]) -> str | None:
    """Why an artifact whose answers are within its tolerance may not be trusted; None if it may."""
    if artifact.precision == FLOAT32:
        return None
    if not any(item.tells_apart(artifact.tolerance) for item in sets):
        return (
            "its tolerance is as wide as the range of the model's answers, of which one would pass "
            f"for all; give a smaller one, as tolerance={{'{artifact.precision}': 1e-3}}"
        )
    # A tolerance takes answers below 1 for as large as 1: here they count as they are.
    allowed = artifact.tolerance.absolute + artifact.tolerance.relative
    if artifact.relative_error is not None and artifact.relative_error > allowed:
        return (
            f"its error is {artifact.relative_error:.2g} of the answer's largest value in half of "
            f"the golden samples; at most {allowed:.2g} is allowed"
        )
    return None
