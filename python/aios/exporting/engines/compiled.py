"""The compiled engine's artifacts: one shared object per target, from graphs of fixed batches."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from aios.bundle.manifest import ArtifactRecord, Tolerance
from aios.errors import NotFoundError, UnsupportedError
from aios.exporting import tflite
from aios.exporting.golden import GoldenSet
from aios.exporting.graphs import with_sizes
from aios.exporting.recompile import BATCHES, SOURCE, compiled_record, folder_of
from aios.exporting.sizes import Sizes, prepared
from aios.exporting.sources.base import Source
from aios.proving import Prover


def targets() -> tuple[str, ...]:
    """What an export compiles for: this machine, and any x86-64 of the last ten years."""
    return ("native", "x86-64-v3") if platform.machine() == "x86_64" else ("native",)


def make(
    work: Path,
    source: Source,
    golden: Sequence[GoldenSet],
    tolerance: Tolerance,
    prover: Prover,
) -> tuple[ArtifactRecord, ...]:
    """Writes `compiled/source/b1.tflite`, `b8.tflite`, and `compiled/TARGET/` for each target.

    Where inner sizes are open, each size that the export prepares for has a folder of its own in
    both. A model whose tensors have no common batch of unknown size is compiled as it is, with a
    batch of 1 where one is unknown.

    Raises:
        UnsupportedError: The compiler can't take the model, or there is no C++ compiler.
    """
    del tolerance, prover
    if len(golden) != 1:
        raise UnsupportedError(f"the model has {len(golden)} signatures; one can be compiled")
    (item,) = golden
    sizes = prepared(item)
    _write_graphs(work, source, item, sizes)
    # The C++ compiler takes one core: the targets' turns overlap.
    with ThreadPoolExecutor(max_workers=2) as pool:
        compiled = partial(_compile, work, composable=item.independent, sizes=sizes)
        return tuple(pool.map(compiled, targets()))


def made_exact(work: Path, record: ArtifactRecord) -> ArtifactRecord:
    """The artifact compiled again without the algorithms that trade bits for speed; pending."""
    sizes = [graph.sizes for graph in record.graphs]
    return _compile(work, record.target, composable=record.composable, sizes=sizes, exact=True)


def _write_graphs(work: Path, source: Source, item: GoldenSet, sizes: Sequence[Sizes]) -> None:
    name = item.signature.name
    for given in sizes:
        folder = work / SOURCE / folder_of(given)
        folder.mkdir(parents=True)
        frozen = with_sizes(source.frozen(name), given)
        for batch in BATCHES if item.independent else BATCHES[:1]:
            content = tflite.convert({name: frozen}, work, batch, foreign=True)
            (folder / f"b{batch}.tflite").write_bytes(content)


def _compile(
    work: Path,
    target: str,
    *,
    composable: bool,
    sizes: Sequence[Sizes],
    exact: bool = False,
) -> ArtifactRecord:
    try:
        made = compiled_record(work, target, composable=composable, sizes=sizes, exact=exact)
        return made.record
    except NotFoundError as error:
        raise UnsupportedError(str(error)) from error
