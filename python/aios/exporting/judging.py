"""The judge of every artifact: run it on the golden samples, ask it in batches, redo it exactly.

An export and `compile_bundle` judge in the same way: what was made is verified through the cell
that will serve it; what came too near its tolerance is made again exactly, once, and verified
again; what passed then is asked for batches. A maker with several candidates takes the first that
the judge finds right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aios.bundle.comparison import Arrays, answers_agree
from aios.bundle.manifest import ArtifactRecord, FileRecord, Manifest, hash_file, write_manifest
from aios.bundle.ranges import SignatureRanges
from aios.bundle.verdict import judged, reason_of, with_proven_range
from aios.errors import UnsupportedError
from aios.exporting import golden
from aios.exporting.golden import GoldenSet
from aios.exporting.reasons import contained
from aios.proving import ArtifactVerification, Prover

#: Where an artifact's error is larger than this part of the tolerance, it is made again without
#: the algorithms that lose bits.
COMFORTABLE = 0.5
#: Neither is a size that artifacts are made for, and the second needs several of those.
PROBED_BATCHES = (3, 11)
#: Needs every size that a compiled artifact may have code for.
WIDE_BATCH = 43

#: Makes an artifact once more, without the algorithms that trade bits for speed; pending.
Redo = Callable[[ArtifactRecord], ArtifactRecord]
#: Makes one of several candidates for an engine's artifact; UnsupportedError where it can't.
Candidate = Callable[[], ArtifactRecord]


@dataclass(frozen=True, slots=True)
class BatchCall:
    """A batch to ask an artifact for, and the training model's answers to it.

    One that the artifact `may_refuse` is for other engines to answer, where it does.
    """

    signature: str
    batch: int
    inputs: Arrays
    references: Arrays
    may_refuse: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the artifacts of the bundle that is being made in `work`.

    Attributes:
        work: The bundle's directory.
        prover: Runs the artifacts.
        required: The ranges of input values that an artifact must be proved for, by signature.
        inputs: All golden samples' inputs, by signature and name; axis 0 counts samples.
        unrun: What becomes of an artifact that can't run here, given the reason.
        objection: Why an artifact that is within its tolerance may not be trusted, or None.
    """

    work: Path
    prover: Prover
    required: SignatureRanges
    inputs: Mapping[str, Arrays]
    unrun: Callable[[ArtifactRecord, str], ArtifactRecord]
    objection: Callable[[ArtifactRecord], str | None] = lambda artifact: None

    def judged(self, manifest: Manifest, redo: Redo) -> tuple[ArtifactRecord, ...]:
        """The manifest's artifacts with verdicts; `redo` makes those exactly that are strained."""
        found = self.verified(manifest)
        again = tuple(redo(artifact) if is_strained(artifact) else artifact for artifact in found)
        if again == found:
            return found
        return self.verified(replace(manifest, artifacts=again))

    def verified(self, manifest: Manifest) -> tuple[ArtifactRecord, ...]:
        """Runs what is pending or passed on the golden samples; the others stay as they are."""
        write_manifest(self.work, manifest)
        entries = self.prover.verify(self.work, include_pending=True)
        results = {(entry.engine, entry.target, entry.precision): entry for entry in entries}
        return tuple(
            self._judgement(artifact, results[artifact.key])
            if artifact.key in results
            else artifact
            for artifact in manifest.artifacts
        )

    def in_batches(
        self, manifest: Manifest, calls: Callable[[ArtifactRecord], Iterable[BatchCall]]
    ) -> tuple[ArtifactRecord, ...]:
        """Asks what passed and takes any batch for the `calls` that it must answer."""
        write_manifest(self.work, manifest)
        return tuple(
            self._asked(artifact, calls)
            if artifact.verdict == "passed" and _takes_any_batch(artifact)
            else artifact
            for artifact in manifest.artifacts
        )

    def _judgement(self, artifact: ArtifactRecord, entry: ArtifactVerification) -> ArtifactRecord:
        if entry.samples == 0:
            return self.unrun(artifact, reason_of(entry, self.work))
        found = replace(judged(artifact, entry), proved_in_child=self.prover.isolated)
        reason = self.objection(found) if found.verdict == "passed" else None
        if reason is not None:
            found = replace(found, verdict="failed", reason=reason)
        if artifact.proven_range is not None:  # It passed before, and was asked for no more.
            return found
        return with_proven_range(found, entry.missed, self.required, self.inputs)

    def _asked(
        self, artifact: ArtifactRecord, calls: Callable[[ArtifactRecord], Iterable[BatchCall]]
    ) -> ArtifactRecord:
        try:
            wrong = [call for call in calls(artifact) if not self._agrees(artifact, call)]
        except UnsupportedError:
            return replace(artifact, composable=False)
        except Exception as error:
            return _failed_in_batches(artifact, f"in a batch: {contained(error)}")
        if not wrong:
            return artifact
        return _failed_in_batches(
            artifact,
            f"signature '{wrong[0].signature}': a batch of {wrong[0].batch} isn't answered as the "
            "training model answers it",
        )

    def _agrees(self, artifact: ArtifactRecord, call: BatchCall) -> bool:
        try:
            answers = self.prover.answers(self.work, artifact, call.signature, call.inputs)
        except UnsupportedError:
            if call.may_refuse:
                return True
            raise
        return answers_agree(answers, call.references, artifact.tolerance)


def is_strained(artifact: ArtifactRecord) -> bool:
    """Whether a compiled artifact came so near its tolerance that it should be made exactly."""
    if artifact.engine != "compiled" or artifact.verdict not in ("passed", "failed"):
        return False
    return artifact.worst is None or artifact.worst > COMFORTABLE


def probed_batches(artifact: ArtifactRecord) -> tuple[int, ...]:
    """The batches to ask an artifact for; together they need all that it has code or graphs for."""
    is_wide = max(artifact.batches, default=0) > max(PROBED_BATCHES)
    return (*PROBED_BATCHES, WIDE_BATCH) if is_wide else PROBED_BATCHES


def pending_manifest(
    sets: Sequence[GoldenSet], artifacts: Sequence[ArtifactRecord], files: Sequence[FileRecord]
) -> Manifest:
    """The manifest of a bundle that is being made: what the cell needs to run the artifacts."""
    return Manifest(
        signatures=tuple(item.signature for item in sets),
        artifacts=tuple(artifacts),
        files=tuple(files),
        golden=golden.FILE,
        labels=None,
        provenance={},
        input_ranges=golden.ranges_of(sets),
        own_samples={item.signature.name: item.own for item in sets},
    )


def first_right(
    work: Path, sets: Sequence[GoldenSet], candidates: Iterable[Candidate], prover: Prover
) -> ArtifactRecord:
    """The first candidate that answers the golden samples well; else the first that ran.

    Args:
        work: The bundle's directory, with the golden samples in it.
        sets: Golden samples of every signature.
        candidates: In the order of preference; each is made only if those before aren't right.
        prover: Runs them.

    Raises:
        UnsupportedError: None could be made and run; the message has every reason.
    """
    wrong = None
    reasons: list[str] = []
    for make in candidates:
        try:
            record = make()
        except UnsupportedError as error:
            reasons.append(str(error))
            continue
        result = _tried(work, sets, record, prover)
        if result.ok:
            return record
        if result.samples:
            wrong = wrong or record
        else:
            reasons.append(result.reason)
    if wrong is not None:
        return wrong
    raise UnsupportedError("; ".join(dict.fromkeys(reasons)))


def _tried(
    work: Path, sets: Sequence[GoldenSet], record: ArtifactRecord, prover: Prover
) -> ArtifactVerification:
    """How the cell answers the golden samples with this artifact alone."""
    write_manifest(work, pending_manifest(sets, (record,), (hash_file(work, golden.FILE),)))
    (entry,) = prover.verify(work, include_pending=True)
    return entry


def _takes_any_batch(artifact: ArtifactRecord) -> bool:
    return artifact.composable or all(graph.batch == -1 for graph in artifact.graphs)


def _failed_in_batches(artifact: ArtifactRecord, reason: str) -> ArtifactRecord:
    return replace(artifact, verdict="failed", composable=False, reason=reason)
