"""Artifacts into a directory, judged through the C++ cell: what an export publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path

from aios.bundle.comparison import Arrays, answers_agree
from aios.bundle.manifest import (
    ArtifactRecord,
    FileRecord,
    Manifest,
    Tolerance,
    hash_file,
    write_manifest,
)
from aios.bundle.verdict import judged, with_proven_range
from aios.errors import UnsupportedError
from aios.exporting import engines, golden
from aios.exporting.acceptance import objection
from aios.exporting.golden import GoldenSet
from aios.exporting.recompile import is_strained
from aios.exporting.samples import is_stackable
from aios.exporting.sources.base import SAVED_MODEL, Source
from aios.proving import ArtifactVerification, Prover

#: Neither is a size that artifacts are made for, and the second needs several of those.
PROBED_BATCHES = (3, 11)
#: Needs every size that a compiled artifact may have code for.
WIDE_BATCH = 43
#: What tells one artifact of a bundle from another.
_KEY = attrgetter("engine", "target", "precision")


def build(
    work: Path,
    source: Source,
    sets: Sequence[GoldenSet],
    names: Sequence[str],
    tolerances: Mapping[str, Tolerance],
    *,
    prover: Prover,
) -> Manifest:
    """Writes golden samples and artifacts, runs them through the C++ cell, and tells the verdicts.

    Args:
        work: The bundle's directory, with the SavedModel in it.
        source: What the SavedModel was saved from.
        sets: Golden samples of every signature.
        names: Engines to make artifacts for.
        tolerances: Allowed error of each precision to make artifacts in, float32 among them.
        prover: Runs the artifacts; one that it dies of, or whose making raises, is declined.
    """
    golden.save(work / golden.FILE, sets)
    artifacts = tuple(
        artifact
        for name in engines.MAKERS
        if name in names
        for artifact in engines.make(name, work, source, sets, tolerances, prover=prover)
    )
    artifacts += engines.unmade(names, tolerances)
    manifest = Manifest(
        signatures=tuple(item.signature for item in sets),
        artifacts=artifacts,
        files=_shared_files(work, artifacts),
        golden=golden.FILE,
        labels=None,
        provenance={},
        input_ranges=golden.ranges_of(sets),
        own_samples={item.signature.name: item.own for item in sets},
    )
    manifest = _judged(work, manifest, sets, prover)
    manifest = _judged_in_batches(work, manifest, source, sets, prover)
    write_manifest(work, manifest)
    return manifest


def _judged(work: Path, manifest: Manifest, sets: Sequence[GoldenSet], prover: Prover) -> Manifest:
    """Returns the manifest with verdicts, and removes the files of what is of no use."""
    found = _with_verdicts(work, manifest, sets, prover)
    artifacts = tuple(
        _made_exact(work, artifact) if is_strained(artifact) else artifact for artifact in found
    )
    if artifacts != found:
        found = _with_verdicts(work, replace(manifest, artifacts=artifacts), sets, prover)
    _remove_files(work, manifest.artifacts, found)
    return replace(manifest, artifacts=found, files=_shared_files(work, found))


def _made_exact(work: Path, artifact: ArtifactRecord) -> ArtifactRecord:
    try:
        made = engines.compiled.made_exact(work, artifact)
    except Exception as error:
        return _declined(artifact, engines.contained(error))
    return replace(made, tolerance=artifact.tolerance)


def _with_verdicts(
    work: Path, manifest: Manifest, sets: Sequence[GoldenSet], prover: Prover
) -> tuple[ArtifactRecord, ...]:
    """Runs the C++ cell on what is pending or passed."""
    write_manifest(work, manifest)
    results = {_KEY(entry): entry for entry in prover.verify(work, include_pending=True)}
    judgements = ((artifact, results.get(_KEY(artifact))) for artifact in manifest.artifacts)
    return tuple(
        artifact
        if entry is None
        else replace(_judgement(artifact, entry, sets), proved_in_child=prover.isolated)
        for artifact, entry in judgements
    )


def _judgement(
    artifact: ArtifactRecord, entry: ArtifactVerification, sets: Sequence[GoldenSet]
) -> ArtifactRecord:
    found = _accepted(_with_verdict(artifact, entry), sets)
    if artifact.proven_range is not None:  # It passed before, and was asked for no more.
        return found
    inputs = {item.signature.name: item.inputs for item in sets}
    return with_proven_range(found, entry.missed, golden.ranges_of(sets), inputs)


def _with_verdict(artifact: ArtifactRecord, entry: ArtifactVerification) -> ArtifactRecord:
    if entry.samples == 0:
        return _declined(artifact, f"it could not be run here: {entry.reason}")
    return judged(artifact, entry)


def _declined(artifact: ArtifactRecord, reason: str) -> ArtifactRecord:
    return replace(
        artifact, verdict="declined", files=(), graphs=(), composable=False, reason=reason
    )


def _accepted(artifact: ArtifactRecord, sets: Sequence[GoldenSet]) -> ArtifactRecord:
    if artifact.verdict != "passed":
        return artifact
    reason = objection(artifact, sets)
    return artifact if reason is None else replace(artifact, verdict="failed", reason=reason)


def _judged_in_batches(
    work: Path, manifest: Manifest, source: Source, sets: Sequence[GoldenSet], prover: Prover
) -> Manifest:
    """Asks what passed for batches too, through the cell that will serve them."""
    if not all(is_stackable(item.signature) for item in sets):
        return manifest
    write_manifest(work, manifest)
    return replace(
        manifest,
        artifacts=tuple(
            _probed(work, artifact, source, sets, prover)
            if artifact.verdict == "passed"
            else artifact
            for artifact in manifest.artifacts
        ),
    )


def _probed(
    work: Path,
    artifact: ArtifactRecord,
    source: Source,
    sets: Sequence[GoldenSet],
    prover: Prover,
) -> ArtifactRecord:
    any_batch = artifact.composable or all(graph.batch == -1 for graph in artifact.graphs)
    if not any_batch:
        return artifact
    wide = (WIDE_BATCH,) if max(artifact.batches, default=0) > max(PROBED_BATCHES) else ()
    ask = partial(prover.answers, work, artifact)
    try:
        wrong = [
            (item.signature.name, batch)
            for item in sets
            for batch in (*PROBED_BATCHES, *wide)
            if not _agrees(ask, item, batch, source, artifact.tolerance)
        ]
        wrong += [
            (item.signature.name, batch)
            for item in sets
            for other in item.others
            for batch in PROBED_BATCHES
            if not _agrees_if_taken(ask, other, batch, source, artifact.tolerance)
        ]
    except UnsupportedError:
        return replace(artifact, composable=False)
    except Exception as error:
        return _failed_in_batches(artifact, f"in a batch: {engines.contained(error)}")
    if not wrong:
        return artifact
    name, batch = wrong[0]
    return _failed_in_batches(
        artifact,
        f"signature '{name}': a batch of {batch} isn't answered as the training model answers it",
    )


def _failed_in_batches(artifact: ArtifactRecord, reason: str) -> ArtifactRecord:
    return replace(artifact, verdict="failed", composable=False, reason=reason)


def _agrees_if_taken(
    ask: Callable[[str, Arrays], Arrays],
    item: GoldenSet,
    batch: int,
    source: Source,
    tolerance: Tolerance,
) -> bool:
    """As `_agrees`; inner sizes that the artifact refuses are other engines' to answer."""
    try:
        return _agrees(ask, item, batch, source, tolerance)
    except UnsupportedError:
        return True


def _agrees(
    ask: Callable[[str, Arrays], Arrays],
    item: GoldenSet,
    batch: int,
    source: Source,
    tolerance: Tolerance,
) -> bool:
    inputs = item.batch(batch)
    references = source.answers(item.signature, inputs)
    return answers_agree(ask(item.signature.name, inputs), references, tolerance)


def _shared_files(work: Path, artifacts: Sequence[ArtifactRecord]) -> tuple[FileRecord, ...]:
    """The SavedModel and the golden samples, less what is an artifact's own."""
    owned = {file.path for artifact in artifacts for file in artifact.files}
    found = [path for path in (work / SAVED_MODEL).rglob("*") if path.is_file()]
    paths = [str(path.relative_to(work)) for path in (*found, work / golden.FILE)]
    return tuple(hash_file(work, path) for path in sorted(paths) if path not in owned)


def _remove_files(
    work: Path, before: Sequence[ArtifactRecord], after: Sequence[ArtifactRecord]
) -> None:
    """Removes the files that no artifact needs any more, and the folders that this empties."""
    kept = {file.path for artifact in after for file in artifact.files}
    for path in {file.path for artifact in before for file in artifact.files} - kept:
        if not path.startswith(f"{SAVED_MODEL}/"):
            (work / path).unlink(missing_ok=True)
    for folder in sorted((path for path in work.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()) and SAVED_MODEL not in folder.parts:
            folder.rmdir()
