"""The litert engine's artifacts: a .tflite file with a dynamic batch, else two with fixed ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aios.bundle.comparison import answers_agree
from aios.bundle.manifest import ArtifactRecord, GraphRecord, Tolerance, hash_file
from aios.errors import NotFoundError, UnsupportedError
from aios.exporting import tflite
from aios.exporting.engines.pending import keep_only, pending_record, require_no_strings
from aios.exporting.golden import GoldenSet
from aios.exporting.graphs import FrozenGraph, with_sizes
from aios.exporting.judging import Candidate, first_right
from aios.exporting.recompile import SOURCE, folder_of
from aios.exporting.samples import is_stackable
from aios.exporting.sizes import sizes_of
from aios.exporting.sources.base import Source
from aios.proving import EngineDiedError, Prover

FIXED_BATCHES = (1, 8)
_PROBED_BATCH = 3


def make(
    work: Path,
    source: Source,
    golden: Sequence[GoldenSet],
    tolerance: Tolerance,
    prover: Prover,
) -> ArtifactRecord:
    """Writes `litert/dynamic.tflite`, or `litert/b1.tflite` and `litert/b8.tflite`.

    Where inner sizes are open and one file isn't right at all of them, each size that the export
    prepares for has files of its own, in `litert/SIZES/`.

    Raises:
        UnsupportedError: LiteRT can't run the model; the message names operators or tensors.
    """

    def candidate(write: Callable[..., list[GraphRecord]]) -> Candidate:
        return lambda: pending_record(
            "litert",
            work,
            golden,
            write(work, "litert", source, golden, tolerance, prover=prover),
            tolerance,
        )

    if not any(item.others for item in golden):
        return candidate(write_graphs)()
    record = first_right(work, golden, map(candidate, (write_graphs, sized_graphs)), prover)
    keep_only(work / "litert", work, record)
    return record


def reduce(work: Path, source: Source, base: ArtifactRecord, precision: str) -> ArtifactRecord:
    """Writes the float32 artifact's graphs into `litert/PRECISION/`, with rounded weights.

    Raises:
        UnsupportedError: The converter can't, or rounds no weight of this model.
    """
    folder = f"litert/{precision}"
    graphs = []
    for graph in base.graphs:
        frozen = {
            item.name: with_sizes(source.frozen(item.name), graph.sizes)
            for item in source.signatures
        }
        batch = None if graph.batch == -1 else graph.batch
        path = f"{folder}/{Path(graph.path).relative_to('litert').as_posix()}"
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_bytes(tflite.convert(frozen, work, batch, precision))
        graphs.append(replace(graph, path=path))
    files = tuple(hash_file(work, graph.path) for graph in graphs)
    return replace(base, precision=precision, files=files, graphs=tuple(graphs))


def write_graphs(
    work: Path,
    folder: str,
    source: Source,
    golden: Sequence[GoldenSet],
    tolerance: Tolerance,
    *,
    prover: Prover,
) -> list[GraphRecord]:
    """Writes `dynamic.tflite`, or `b1.tflite` and `b8.tflite`, into a folder of the bundle.

    Raises:
        UnsupportedError: TensorFlow's converter can't take the model; the message says why.
    """
    require_no_strings(golden)
    frozen = {item.signature.name: source.frozen(item.signature.name) for item in golden}
    probe = _Probe(work, source, golden, tolerance, prover)
    return _written(work, folder, _files(work, frozen, probe))


def sized_graphs(
    work: Path,
    folder: str,
    source: Source,
    golden: Sequence[GoldenSet],
    tolerance: Tolerance,
    *,
    prover: Prover,
) -> list[GraphRecord]:
    """As `write_graphs`, for each of the inner sizes that the export prepares for, in `SIZES/`.

    Raises:
        UnsupportedError: The model has no open inner size, or several signatures; or as
            `write_graphs`.
    """
    if len(golden) != 1 or not golden[0].others:
        raise UnsupportedError("no inner sizes to prepare for")
    (item,) = golden
    require_no_strings(golden)
    graphs = []
    for part in (item, *(other for other in item.others if other.prepared)):
        sizes = sizes_of(item.signature, part.inputs)
        frozen = {item.signature.name: with_sizes(source.frozen(item.signature.name), sizes)}
        probe = _Probe(work, source, [part], tolerance, prover)
        files = _files(work, frozen, probe, folder_of(sizes))
        written = _written(work, f"{folder}/{folder_of(sizes)}", files)
        graphs += [replace(graph, sizes=sizes) for graph in written]
    return graphs


def _files(
    work: Path, frozen: Mapping[str, FrozenGraph], probe: _Probe, folder: str = "."
) -> _Files:
    batched = all(is_stackable(item.signature) for item in probe.golden)
    files = _dynamic(work, frozen, probe if batched else None)
    return files if files is not None else _fixed(work / SOURCE / folder, work, frozen, probe)


def _written(work: Path, folder: str, files: _Files) -> list[GraphRecord]:
    (work / folder).mkdir(parents=True, exist_ok=True)
    graphs = []
    for name, (batch, content) in files.items():
        (work / folder / name).write_bytes(content)
        graphs.append(GraphRecord(f"{folder}/{name}", batch))
    return graphs


_Files = dict[str, tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class _Probe:
    """Asks LiteRT's interpreter, outside of this process, what the model answers."""

    work: Path
    source: Source
    golden: Sequence[GoldenSet]
    tolerance: Tolerance
    prover: Prover

    def wrong_only_in_batches(self, content: bytes) -> bool:
        """A file that is wrong for single samples too is left for the gate to judge."""
        return not self.agrees(content, _PROBED_BATCH) and self.agrees(content, 1)

    def agrees(self, content: bytes, batch: int) -> bool:
        """Whether a file gives the model's answers to a batch; True where nothing can tell."""
        with tempfile.NamedTemporaryFile(prefix="probe-", dir=self.work) as file:
            file.write(content)
            file.flush()
            try:
                return all(self._agrees(Path(file.name), item, batch) for item in self.golden)
            except NotFoundError:
                return True
            except (UnsupportedError, EngineDiedError):
                return False

    def _agrees(self, model: Path, item: GoldenSet, batch: int) -> bool:
        inputs = item.batch(batch)
        answers = self.prover.interpret(model, item.signature.name, inputs)
        return answers_agree(answers, self.source.answers(item.signature, inputs), self.tolerance)


def _dynamic(work: Path, frozen: Mapping[str, FrozenGraph], probe: _Probe | None) -> _Files | None:
    """One file for any batch; None where that can't be made, but a fixed batch may be."""
    try:
        content = tflite.convert(frozen, work)
        tflite.require_own_outputs(content)
        # LiteRT's compiled models don't know the sizes that a graph computes before it has run.
        if probe is not None and "SHAPE" in tflite.operators(content):
            return None
        if probe is not None and probe.wrong_only_in_batches(content):
            return None
    except UnsupportedError:
        if probe is None:
            raise
        return None
    return {"dynamic.tflite": (-1, content)}


def _fixed(sources: Path, work: Path, frozen: Mapping[str, FrozenGraph], probe: _Probe) -> _Files:
    """A file per batch size; only for one where the larger doesn't give the model's answers."""
    files = {}
    for batch in FIXED_BATCHES:
        try:
            content = _static(sources, work, frozen, batch)
            tflite.require_own_outputs(content)
        except UnsupportedError:
            if batch == 1:
                raise
            continue
        if batch == 1 or probe.agrees(content, batch):
            files[f"b{batch}.tflite"] = (batch, content)
    return files


def _static(sources: Path, work: Path, frozen: Mapping[str, FrozenGraph], batch: int) -> bytes:
    """A file of fixed batch: the compiled engine's source, where it has one that LiteRT can run."""
    made = sources / f"b{batch}.tflite"
    if len(frozen) == 1 and made.is_file():
        content = made.read_bytes()
        if not tflite.refused_operators(content):
            return content
    return tflite.convert(frozen, work, batch)
