"""What an export made, and what it would rather have had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aios.bridge.core import IS_NATIVE
from aios.bundle.coverage import proven_ranges
from aios.bundle.manifest import ArtifactRecord, Manifest, StreamRecord
from aios.bundle.precision import FLOAT32
from aios.bundle.ranges import described, is_further
from aios.exporting.golden import MIN_DISCRIMINATION, GoldenSet


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export made: where, which artifacts passed and with which error, and warnings.

    `dropped_samples` counts the samples whose answer wasn't finite, which are kept as probes of how
    NaN and infinities propagate, and the drawn ones that the model raised on. `discrimination` is
    how many tolerances apart the answers to different samples are. `diverging_layers` names, by
    engine, the first Keras layer in which a failed artifact goes wrong, as "'dense_1' (Dense)".
    `stream` tells how the stream did, where one was asked for.
    """

    path: Path
    artifacts: tuple[ArtifactRecord, ...]
    golden_samples: int
    dropped_samples: int
    discrimination: float
    warnings: tuple[str, ...]
    seconds: float
    diverging_layers: dict[str, str]
    stream: StreamRecord | None = None

    @property
    def errors(self) -> dict[str, float]:
        """Largest absolute error on the golden samples, by engine, of what passed in float32."""
        worst: dict[str, float] = {}
        for artifact in self._exact:
            if artifact.verdict == "passed" and artifact.max_error is not None:
                worst[artifact.engine] = max(artifact.max_error, worst.get(artifact.engine, 0.0))
        return worst

    @property
    def declined(self) -> dict[str, str]:
        """Why an engine can't run this bundle in float32, by engine."""
        return {
            artifact.engine: artifact.reason or ""
            for artifact in self._exact
            if artifact.verdict != "passed" and artifact.engine not in self.errors
        }

    @property
    def _exact(self) -> list[ArtifactRecord]:
        return [artifact for artifact in self.artifacts if artifact.precision == FLOAT32]


def report_of(
    path: Path,
    manifest: Manifest,
    sets: Sequence[GoldenSet],
    layers: dict[str, str],
    seconds: float,
) -> ExportReport:
    """The report of an export that succeeded; see `ExportReport`."""
    less = declined_engines(manifest) + _limits(sets, manifest) + _verified_with()
    return ExportReport(
        path=path,
        artifacts=manifest.artifacts,
        golden_samples=sum(item.count for item in sets),
        dropped_samples=sum(item.dropped for item in sets),
        discrimination=min(item.discrimination for item in sets),
        warnings=notes(sets, manifest) + less,
        seconds=seconds,
        diverging_layers=layers,
        stream=manifest.stream,
    )


def notes(sets: Sequence[GoldenSet], manifest: Manifest) -> tuple[str, ...]:
    """What a user should look at in an export that succeeded."""
    found = []
    for item in sets:
        of = f" of signature '{item.signature.name}'" if len(sets) > 1 else ""
        if item.discrimination < MIN_DISCRIMINATION:
            found.append(
                f"the golden samples{of} prove little: answers to different samples are only "
                f"{item.discrimination:.1f} tolerances apart (20 or more would discriminate); pass "
                "samples=… from your data, or check that the model is trained"
            )
        if item.not_finite:
            found.append(
                f"{item.not_finite} samples{of} judge no accuracy: the model's answer isn't finite"
            )
        if item.raised:
            found.append(f"{item.raised} drawn samples{of} were dropped: the model raises on them")
    found += [_outcome(artifact) for artifact in manifest.artifacts if artifact.verdict == "failed"]
    if manifest.stream is not None and manifest.stream.verdict != "passed":
        stream = manifest.stream
        verb = "was declined" if stream.verdict == "declined" else "failed"
        found.append(f"the bundle has no stream, which {verb}: {stream.reason}")
    return tuple(found)


def _limits(sets: Sequence[GoldenSet], manifest: Manifest) -> tuple[str, ...]:
    """Where artifacts that passed are known to answer wrongly, outside of what had to be proved."""
    asked = {item.signature.name: proven_ranges(item.ranges, item.inputs, ()) for item in sets}
    found = []
    for artifact in manifest.artifacts:
        proven = artifact.proven_range
        if artifact.verdict == "passed" and proven is not None and is_further(asked, proven):
            found.append(
                f"engine '{artifact.engine}' is proved for {described(proven)}; beyond, golden "
                f"samples up to {described(asked)} found it wrong"
            )
    return tuple(dict.fromkeys(found))


def _verified_with() -> tuple[str, ...]:
    """Says so where it wasn't the C++ cell."""
    if IS_NATIVE:
        return ()
    return ("verified with the engines' Python interpreters: the C++ extension isn't in use",)


def declined_engines(manifest: Manifest) -> tuple[str, ...]:
    """Which engines can't run the bundle, and why: reported, but no cause for alarm.

    Each reason is told once, whatever the targets and precisions that it holds for.
    """
    alike: dict[tuple[str, str | None], list[ArtifactRecord]] = {}
    for artifact in manifest.artifacts:
        if artifact.verdict == "declined":
            alike.setdefault((artifact.engine, artifact.reason), []).append(artifact)
    return tuple(_outcome(*artifacts) for artifacts in alike.values())


def _outcome(first: ArtifactRecord, *others: ArtifactRecord) -> str:
    """What became of artifacts of one engine, verdict and reason."""
    found = dict.fromkeys(artifact.precision for artifact in (first, *others))
    precisions = "" if FLOAT32 in found else f" in {' and '.join(found)}"
    return f"engine '{first.engine}' {first.verdict}{precisions}: {first.reason}"
