"""What a lower precision must show besides answers within its tolerance, which is wide."""

from __future__ import annotations

from collections.abc import Sequence

from aios.bundle.manifest import ArtifactRecord
from aios.bundle.precision import FLOAT32
from aios.exporting.golden import GoldenSet

#: A classifier that names another class more often is another classifier.
MIN_TOP1_AGREEMENT = 0.95


def objection(artifact: ArtifactRecord, sets: Sequence[GoldenSet]) -> str | None:
    """Why an artifact whose answers are within its tolerance may not be trusted; None if it may."""
    if artifact.precision == FLOAT32:
        return None
    if not any(item.tells_apart(artifact.tolerance) for item in sets):
        return (
            "its tolerance is as wide as the range of the model's answers, of which one would pass "
            f"for all; give a smaller one, as tolerance={{'{artifact.precision}': 1e-3}}"
        )
    agreement = artifact.top1_agreement
    if agreement is not None and agreement < MIN_TOP1_AGREEMENT:
        return (
            f"it names the training model's class for only {agreement:.1%} of the golden samples "
            f"({MIN_TOP1_AGREEMENT:.0%} are wanted)"
        )
    return None
