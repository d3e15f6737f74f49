"""Artifacts into a directory, judged through the C++ cell: what an export publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from aios.bundle.manifest import (
    ArtifactRecord,
    FileRecord,
    Manifest,
    Tolerance,
    hash_file,
    write_manifest,
)
from aios.exporting import engines, golden
from aios.exporting.acceptance import objection
from aios.exporting.golden import GoldenSet
from aios.exporting.judging import (
    PROBED_BATCHES,
    BatchCall,
    Judge,
    pending_manifest,
    probed_batches,
)
from aios.exporting.reasons import contained
from aios.exporting.samples import is_stackable
from aios.exporting.sources.base import SAVED_MODEL, Source
from aios.proving import Prover

#: A batch of a golden set's samples, with the model's answers.
Ask = Callable[[GoldenSet, int], BatchCall]


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
    source.forget_frozen()
    judge = Judge(
        work,
        prover,
        required=golden.ranges_of(sets),
        inputs={item.signature.name: item.inputs for item in sets},
        unrun=lambda artifact, reason: _declined(artifact, f"it could not be run here: {reason}"),
        objection=partial(objection, sets=sets),
    )
    manifest = pending_manifest(sets, artifacts, _shared_files(work, artifacts))
    found = judge.judged(manifest, partial(_made_exact, work))
    _remove_files(work, artifacts, found)
    manifest = replace(manifest, artifacts=found, files=_shared_files(work, found))
    if all(is_stackable(item.signature) for item in sets):
        calls = partial(_calls, _asked_once(source), sets)
        manifest = replace(manifest, artifacts=judge.in_batches(manifest, calls))
    write_manifest(work, manifest)
    return manifest


def _made_exact(work: Path, artifact: ArtifactRecord) -> ArtifactRecord:
    try:
        made = engines.compiled.made_exact(work, artifact)
    except Exception as error:
        return _declined(artifact, contained(error))
    return replace(made, tolerance=artifact.tolerance)


def _declined(artifact: ArtifactRecord, reason: str) -> ArtifactRecord:
    return replace(
        artifact, verdict="declined", files=(), graphs=(), composable=False, reason=reason
    )


def _calls(ask: Ask, sets: Sequence[GoldenSet], artifact: ArtifactRecord) -> Iterator[BatchCall]:
    """Batches of the golden samples, at other inner sizes too, which the artifact may refuse."""
    for item in sets:
        for batch in probed_batches(artifact):
            yield ask(item, batch)
    for item in sets:
        for other in item.others:
            for batch in PROBED_BATCHES:
                yield replace(ask(other, batch), may_refuse=True)


def _asked_once(source: Source) -> Ask:
    """Asks the model for a batch of a golden set, once for all artifacts.

    The sets must live as long as what is returned.
    """
    calls: dict[tuple[int, int], BatchCall] = {}

    def ask(item: GoldenSet, batch: int) -> BatchCall:
        key = id(item), batch
        if key not in calls:
            inputs = item.batch(batch)
            references = source.answers(item.signature, inputs)
            calls[key] = BatchCall(item.signature.name, batch, inputs, references)
        return calls[key]

    return ask


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
