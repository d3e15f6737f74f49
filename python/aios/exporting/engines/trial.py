"""One artifact run alone on the golden samples, for a maker that has more than one to offer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aios.bundle.manifest import ArtifactRecord, Manifest, hash_file, write_manifest
from aios.exporting import golden as golden_file
from aios.exporting.golden import GoldenSet
from aios.proving import ArtifactVerification, Prover


def keep_only(folder: Path, work: Path, record: ArtifactRecord) -> None:
    """Removes what else was tried from a folder of the bundle, and folders that this empties."""
    kept = {work / file.path for file in record.files}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path not in kept:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def trial(
    work: Path, golden: Sequence[GoldenSet], record: ArtifactRecord, prover: Prover
) -> ArtifactVerification:
    """How the C++ engine answers the golden samples with this artifact."""
    write_manifest(
        work,
        Manifest(
            signatures=tuple(item.signature for item in golden),
            artifacts=(record,),
            files=(hash_file(work, golden_file.FILE),),
            golden=golden_file.FILE,
            labels=None,
            provenance={},
            input_ranges=golden_file.ranges_of(golden),
        ),
    )
    (entry,) = prover.verify(work, include_pending=True)
    return entry
