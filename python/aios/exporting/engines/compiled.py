"""The compiled engine's artifacts: one shared object per target, from graphs of fixed batches."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from aios.bundle.manifest import ArtifactRecord, GraphRecord, Tolerance, hash_file
from aios.compiler import compile_graphs
from aios.errors import NotFoundError, UnsupportedError
from aios.exporting import tflite
from aios.exporting.golden import GoldenSet
from aios.exporting.samples import is_stackable
from aios.exporting.sources.base import Source

SOURCE = "compiled/source"
BATCHES = (1, 8)


def targets() -> tuple[str, ...]:
    """What an export compiles for: this machine, and any x86-64 of the last ten years."""
    return ("native", "x86-64-v3") if platform.machine() == "x86_64" else ("native",)


def make(
    work: Path, source: Source, golden: Sequence[GoldenSet], tolerance: Tolerance
) -> tuple[ArtifactRecord, ...]:
    """Writes `compiled/source/b1.tflite`, `b8.tflite`, and `compiled/TARGET/` for each target.

    Raises:
        UnsupportedError: The compiler can't take the model, or there is no C++ compiler.
    """
    if len(golden) != 1:
        raise UnsupportedError(f"the model has {len(golden)} signatures; one can be compiled")
    (item,) = golden
    if not is_stackable(item.signature):
        raise UnsupportedError("its tensors have no common batch dimension of unknown size")
    graphs = _write_graphs(work, source, item)
    return tuple(
        _compile(work, graphs, target, composable=item.independent) for target in targets()
    )


def made_exact(work: Path, record: ArtifactRecord) -> ArtifactRecord:
    """The artifact compiled again without the algorithms that trade bits for speed; pending."""
    graphs = {
        batch: path for batch in BATCHES if (path := work / SOURCE / f"b{batch}.tflite").exists()
    }
    return _compile(work, graphs, record.target, composable=record.composable, exact=True)


def _write_graphs(work: Path, source: Source, item: GoldenSet) -> dict[int, Path]:
    name = item.signature.name
    (work / SOURCE).mkdir(parents=True)
    graphs = {}
    for batch in BATCHES if item.independent else BATCHES[:1]:
        path = work / SOURCE / f"b{batch}.tflite"
        path.write_bytes(tflite.convert({name: source.frozen(name)}, work, batch))
        graphs[batch] = path
    return graphs


def _compile(
    work: Path, graphs: Mapping[int, Path], target: str, *, composable: bool, exact: bool = False
) -> ArtifactRecord:
    folder = work / "compiled" / target
    try:
        made = compile_graphs(graphs, folder, target=target, name="model", exact=exact)
    except NotFoundError as error:
        raise UnsupportedError(str(error)) from error
    paths = [path.relative_to(work).as_posix() for path in made.files]
    sources = [path.relative_to(work).as_posix() for path in graphs.values()]
    return ArtifactRecord(
        engine="compiled",
        target=target,
        precision="float32",
        verdict="pending",
        files=tuple(hash_file(work, path) for path in (*paths, *sources)),
        graphs=(GraphRecord(paths[0]),),
        composable=composable,
        batches=made.batch_sizes,
    )
