"""The openvino engine's artifact: LiteRT's graphs where OpenVINO runs them, else the SavedModel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aios.bundle.manifest import ArtifactRecord, GraphRecord, Tolerance
from aios.errors import UnsupportedError
from aios.exporting import tflite
from aios.exporting.engines import litert
from aios.exporting.engines.pending import keep_only, pending_record, require_no_strings
from aios.exporting.golden import GoldenSet
from aios.exporting.judging import Candidate, first_right
from aios.exporting.sources.base import SAVED_MODEL, Source
from aios.proving import Prover

_FOLDER = "openvino"


def make(
    work: Path,
    source: Source,
    golden: Sequence[GoldenSet],
    tolerance: Tolerance,
    prover: Prover,
) -> ArtifactRecord:
    """Points at the bundle's .tflite files, or writes `openvino/*.tflite`, or the SavedModel.

    The first whose answers are the model's is taken; where inner sizes are open, graphs for those
    that the export prepares for come after graphs for all.

    Raises:
        UnsupportedError: OpenVINO can't run the model, or isn't here to try.
    """
    if len(golden) != 1:
        raise UnsupportedError(f"the model has {len(golden)} signatures; OpenVINO reads one")
    require_no_strings(golden)

    def candidate(graphs: Callable[[], list[GraphRecord]]) -> Candidate:
        return lambda: pending_record(_FOLDER, work, golden, graphs(), tolerance)

    (item,) = golden
    made = (work, source, golden, tolerance, prover)
    candidates = [
        candidate(lambda: _lite_graphs(*made)),
        candidate(lambda: [_saved_graph(source, item.signature.name)]),
    ]
    if item.others:
        candidates.insert(1, candidate(lambda: _sized_graphs(*made)))
    record = first_right(work, golden, candidates, prover)
    keep_only(work / _FOLDER, work, record)
    return record


def reduce(work: Path, source: Source, base: ArtifactRecord, precision: str) -> ArtifactRecord:
    """The float32 artifact's own files: OpenVINO rounds them when it compiles them.

    Where it can't calculate in that precision, as on a CPU without it, running it says so.
    """
    del work, source
    return replace(base, precision=precision)


def _lite_graphs(
    work: Path,
    source: Source,
    golden: Sequence[GoldenSet],
    tolerance: Tolerance,
    prover: Prover,
) -> list[GraphRecord]:
    """Those of the litert engine, or ones of this engine's own where it has none."""
    graphs = [
        GraphRecord(f"litert/{path.name}", -1 if path.stem == "dynamic" else int(path.stem[1:]))
        for path in sorted((work / "litert").glob("*.tflite"))
    ]
    if not graphs:
        graphs = litert.write_graphs(work, _FOLDER, source, golden, tolerance, prover=prover)
    return _named(work, golden, graphs)


def _sized_graphs(
    work: Path,
    source: Source,
    golden: Sequence[GoldenSet],
    tolerance: Tolerance,
    prover: Prover,
) -> list[GraphRecord]:
    """A graph, or one a batch, for each of the inner sizes that the export prepares for."""
    graphs = litert.sized_graphs(work, _FOLDER, source, golden, tolerance, prover=prover)
    return _named(work, golden, graphs)


def _named(
    work: Path, golden: Sequence[GoldenSet], graphs: Sequence[GraphRecord]
) -> list[GraphRecord]:
    """The graphs with their own names of the signature's tensors."""
    name = golden[0].signature.name
    named = []
    for graph in graphs:
        inputs, outputs = tflite.tensor_names((work / graph.path).read_bytes(), name)
        named.append(replace(graph, signature=name, inputs=inputs, outputs=outputs))
    return named


def _saved_graph(source: Source, name: str) -> GraphRecord:
    keys = source.saved_keys(name).items()
    return GraphRecord(SAVED_MODEL, -1, name, {spec: key for spec, key in keys if spec != key})
