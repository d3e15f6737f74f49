"""The compiled engine's artifacts: one shared object per target, from graphs of fixed batches."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from aios.bundle.manifest import ArtifactRecord, Tolerance
from aios.compiler.bundled import BATCHES, SOURCE, compiled_record
from aios.errors import NotFoundError, UnsupportedError
from aios.exporting import tflite
from aios.exporting.golden import GoldenSet
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

    A model whose tensors have no common batch of unknown size is compiled as it is, with a batch of
    1 where one is unknown.

    Raises:
        UnsupportedError: The compiler can't take the model, or there is no C++ compiler.
    """
    del tolerance, prover
    if len(golden) != 1:
        raise UnsupportedError(f"the model has {len(golden)} signatures; one can be compiled")
    (item,) = golden
    _write_graphs(work, source, item)
    # The C++ compiler takes one core: the targets' turns overlap.
    with ThreadPoolExecutor(max_workers=2) as pool:
        compiled = partial(_compile, work, composable=item.independent)
        return tuple(pool.map(compiled, targets()))


def made_exact(work: Path, record: ArtifactRecord) -> ArtifactRecord:
    """The artifact compiled again without the algorithms that trade bits for speed; pending."""
    return _compile(work, record.target, composable=record.composable, exact=True)


def _write_graphs(work: Path, source: Source, item: GoldenSet) -> None:
    name = item.signature.name
    (work / SOURCE).mkdir(parents=True)
    for batch in BATCHES if item.independent else BATCHES[:1]:
        content = tflite.convert({name: source.frozen(name)}, work, batch, foreign=True)
        (work / SOURCE / f"b{batch}.tflite").write_bytes(content)


def _compile(work: Path, target: str, *, composable: bool, exact: bool = False) -> ArtifactRecord:
    try:
        return compiled_record(work, target, composable=composable, exact=exact).record
    except NotFoundError as error:
        raise UnsupportedError(str(error)) from error
