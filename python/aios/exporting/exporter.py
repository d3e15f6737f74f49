"""`aios.export`: artifacts and golden samples are written, verified through C++, then published."""

from __future__ import annotations

import platform
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from aios import _core
from aios.bridge.engines import library_paths
from aios.bundle.manifest import (
    ArtifactRecord,
    GraphRecord,
    Manifest,
    SignatureRecord,
    Tolerance,
    hash_file,
    write_manifest,
)
from aios.bundle.publish import already_exists, pending_directory, publish
from aios.errors import AiosError, FailedPreconditionError, InvalidArgumentError, UnsupportedError
from aios.exporting import golden, litert
from aios.exporting.savedmodel import KerasSource

ENGINES = ("litert",)
GOLDEN = "golden.safetensors"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export made: where, which artifacts passed and with which error, and warnings."""

    path: Path
    artifacts: tuple[ArtifactRecord, ...]
    golden_samples: int
    dropped_samples: int
    discrimination: float
    warnings: tuple[str, ...]
    seconds: float

    @property
    def errors(self) -> dict[str, float]:
        """Largest absolute error on the golden samples, by engine, of what passed."""
        return {
            artifact.engine: artifact.max_error
            for artifact in self.artifacts
            if artifact.verdict == "passed" and artifact.max_error is not None
        }

    @property
    def declined(self) -> dict[str, str]:
        """Why an engine is not in the bundle, by engine."""
        return {
            artifact.engine: artifact.reason or ""
            for artifact in self.artifacts
            if artifact.verdict != "passed"
        }


def export(
    model: Any,
    path: str | Path,
    *,
    samples: object = None,
    tolerance: float | Tolerance | None = None,
    engines: str | Sequence[str] = "all",
    labels: Sequence[str] | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """Exports a model as a bundle that carries its own proof.

    Every artifact is run through the C++ cell on the golden samples before anything is published;
    one that misses its tolerance is recorded with its error and never loaded.

    Args:
        model: A built Keras model on TensorFlow.
        path: The bundle directory to write, as "digits.cell".
        samples: Inputs to keep as golden samples: an array whose axis 0 counts samples, or for
            several inputs a dict of such arrays by name. At most 64 are kept. None draws them.
        tolerance: Allowed error: a Tolerance, or a number t for Tolerance(t, t); None for the
            default of float32.
        engines: "all", or the engines to make artifacts for.
        labels: Class names, in the order of the model's output.
        overwrite: Replace a bundle that is there already, in one atomic step.

    Raises:
        InvalidArgumentError: An argument is of the wrong type or shape.
        FailedPreconditionError: `path` exists, can't be written to, or no engine gave the model's
            answers.
        UnsupportedError: No engine can run the model; the message says why, engine by engine.
    """
    started = time.perf_counter()
    target = Path(path)
    wanted = _engine_names(engines)
    allowed = _tolerance(tolerance)
    if target.exists() and not overwrite:
        raise already_exists(target)
    source = KerasSource(model)
    with pending_directory(target) as work:
        signature = source.save(work / "saved_model")
        kept = golden.collect(
            lambda inputs: source.answers(inputs, signature), signature, samples, allowed
        )
        kept.save(work / GOLDEN, signature)
        artifacts = [_make(work, engine, signature, allowed) for engine in wanted]
        manifest = Manifest(
            signatures=(signature,),
            artifacts=tuple(artifacts),
            files=_shared_files(work),
            golden=GOLDEN,
            labels=None if labels is None else tuple(str(label) for label in labels),
            provenance=_provenance(kept),
        )
        manifest = _verified(work, manifest)
        _require_one_passed(manifest)
        write_manifest(work, manifest)
        publish(work, target, overwrite=overwrite)
    notes = _warnings(kept, manifest)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return ExportReport(
        path=target,
        artifacts=manifest.artifacts,
        golden_samples=kept.count,
        dropped_samples=kept.dropped,
        discrimination=kept.discrimination,
        warnings=tuple(notes),
        seconds=time.perf_counter() - started,
    )


def _engine_names(engines: str | Sequence[str]) -> tuple[str, ...]:
    names = ENGINES if engines == "all" else (engines,) if isinstance(engines, str) else engines
    for name in names:
        if name not in ENGINES:
            raise InvalidArgumentError(f"engines: expected 'all' or any of {ENGINES}, got {name!r}")
    if not names:
        raise InvalidArgumentError(f"engines: expected 'all' or any of {ENGINES}, got none")
    return tuple(dict.fromkeys(names))


def _tolerance(tolerance: float | Tolerance | None) -> Tolerance:
    if tolerance is None:
        return Tolerance()
    chosen = (
        tolerance
        if isinstance(tolerance, Tolerance)
        else Tolerance(float(tolerance), float(tolerance))
    )
    if not (
        chosen.absolute >= 0 and chosen.relative >= 0 and chosen.absolute + chosen.relative > 0
    ):
        raise InvalidArgumentError(
            f"tolerance: expected a positive number as 1e-4, got {tolerance!r}"
        )
    return chosen


def _make(
    work: Path, engine: str, signature: SignatureRecord, tolerance: Tolerance
) -> ArtifactRecord:
    record = ArtifactRecord(engine, "any", "float32", "pending", tolerance=tolerance)
    try:
        content = litert.convert(work / "saved_model", signature.name)
    except UnsupportedError as error:
        return replace(record, verdict="declined", reason=str(error))
    (work / "litert").mkdir()
    (work / "litert" / "dynamic.tflite").write_bytes(content)
    path = "litert/dynamic.tflite"
    return replace(record, files=(hash_file(work, path),), graphs=(GraphRecord(path),))


def _shared_files(work: Path) -> tuple[Any, ...]:
    paths = sorted(
        str(path.relative_to(work))
        for path in work.rglob("*")
        if path.is_file() and path.relative_to(work).parts[0] in ("saved_model", GOLDEN)
    )
    return tuple(hash_file(work, path) for path in paths)


def _provenance(kept: golden.GoldenSet) -> dict[str, Any]:
    packages = ("aios-cells", "keras", "tensorflow", "tensorflow-cpu", "ai-edge-litert", "numpy")
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions,
        "golden_samples": kept.count,
        "dropped_samples": kept.dropped,
        "discrimination": kept.discrimination,
    }


def _verified(work: Path, manifest: Manifest) -> Manifest:
    """Writes the manifest as pending, runs the C++ cell on it, and returns it with verdicts."""
    write_manifest(work, manifest)
    results = {
        (entry.engine, entry.target, entry.precision): entry
        for entry in _core.verify_bundle(str(work), libraries=library_paths(), include_pending=True)
    }
    return replace(
        manifest,
        artifacts=tuple(
            _judged(artifact, results.get((artifact.engine, artifact.target, artifact.precision)))
            for artifact in manifest.artifacts
        ),
    )


def _judged(artifact: ArtifactRecord, entry: _core.ArtifactVerification | None) -> ArtifactRecord:
    if entry is None:
        return artifact
    measured = entry.samples > 0
    return replace(
        artifact,
        verdict="passed" if entry.ok else "failed",
        max_error=_finite(entry.max_error) if measured else None,
        worst=_finite(entry.worst) if measured else None,
        reason=None if entry.ok else entry.reason,
    )


def _finite(value: float) -> float | None:
    """JSON has no infinity: an answer that isn't finite has no largest error."""
    return value if value < float("inf") else None


def _require_one_passed(manifest: Manifest) -> None:
    if any(artifact.verdict == "passed" for artifact in manifest.artifacts):
        return
    reasons = "; ".join(f"{a.engine} {a.verdict}: {a.reason}" for a in manifest.artifacts)
    kind: type[AiosError] = FailedPreconditionError
    if all(artifact.verdict == "declined" for artifact in manifest.artifacts):
        kind = UnsupportedError
    raise kind(f"nothing was exported: no engine gives the model's answers ({reasons})")


def _warnings(kept: golden.GoldenSet, manifest: Manifest) -> list[str]:
    notes = []
    if kept.discrimination < golden.MIN_DISCRIMINATION:
        notes.append(
            f"the golden samples prove little: answers to different samples are only "
            f"{kept.discrimination:.1f} tolerances apart (20 or more would discriminate); pass "
            "samples=… from your data, or check that the model is trained"
        )
    if kept.dropped:
        notes.append(f"{kept.dropped} samples were dropped: the model's answer isn't finite")
    notes += [
        f"engine '{artifact.engine}' {artifact.verdict}: {artifact.reason}"
        for artifact in manifest.artifacts
        if artifact.verdict != "passed"
    ]
    return notes
