"""An artifact that a maker has written and nothing has judged yet: its record and its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aios.bundle.dtypes import STRING
from aios.bundle.manifest import ArtifactRecord, GraphRecord, Tolerance, hash_file
from aios.bundle.precision import FLOAT32
from aios.errors import UnsupportedError
from aios.exporting.golden import GoldenSet
from aios.exporting.samples import is_stackable


def pending_record(
    engine: str,
    work: Path,
    sets: Sequence[GoldenSet],
    graphs: Sequence[GraphRecord],
    tolerance: Tolerance,
) -> ArtifactRecord:
    """The record of graphs that were written for an engine, in float32 and for any machine.

    Args:
        engine: Which engine.
        work: The bundle's directory.
        sets: Golden samples of every signature.
        graphs: Each names a file or a folder in the bundle.
        tolerance: What the artifact is judged by.
    """
    paths = dict.fromkeys(path for graph in graphs for path in _files(work / graph.path))
    return ArtifactRecord(
        engine=engine,
        target="any",
        precision=FLOAT32,
        verdict="pending",
        files=tuple(hash_file(work, path.relative_to(work).as_posix()) for path in paths),
        graphs=tuple(graphs),
        composable=all(is_stackable(item.signature) and item.independent for item in sets),
        tolerance=tolerance,
    )


def require_no_strings(sets: Sequence[GoldenSet]) -> None:
    """Refuses signatures with tensors of strings.

    Raises:
        UnsupportedError: Names the first such tensor.
    """
    for item in sets:
        for spec in item.signature.inputs + item.signature.outputs:
            if spec.dtype == STRING:
                raise UnsupportedError(
                    f"tensor '{spec.name}' is of strings, which only the tensorflow engine takes"
                )


def keep_only(folder: Path, work: Path, record: ArtifactRecord) -> None:
    """Removes what else was tried from a folder of the bundle, and folders that this empties."""
    kept = {work / file.path for file in record.files}
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path not in kept:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
