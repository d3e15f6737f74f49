"""The openvino engine's artifact: LiteRT's graphs where OpenVINO runs them, else the SavedModel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aios.bundle.manifest import ArtifactRecord, GraphRecord, Tolerance, hash_file
from aios.errors import UnsupportedError
from aios.exporting import tflite
from aios.exporting.engines import litert
from aios.exporting.engines.trial import keep_only, trial
from aios.exporting.golden import GoldenSet
from aios.exporting.samples import is_stackable
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
    (item,) = golden
    for spec in item.signature.inputs + item.signature.outputs:
        if spec.dtype == "string":
            raise UnsupportedError(
                f"tensor '{spec.name}' is of strings, which only the tensorflow engine takes"
            )
    reasons = []
    wrong = None
    candidates: list[Callable[[], list[GraphRecord]]] = [
        lambda: _lite_graphs(work, source, golden, tolerance, prover),
        lambda: [_saved_graph(source, item.signature.name)],
    ]
    if item.others:
        candidates.insert(1, lambda: _sized_graphs(work, source, golden, tolerance, prover))
    for graphs in candidates:
        try:
            record = _record(work, item, graphs(), tolerance)
        except UnsupportedError as error:
            reasons.append(str(error))
            continue
        result = trial(work, golden, record, prover)
        if result.ok:
            keep_only(work / _FOLDER, work, record)
            return record
        if result.samples:
            wrong = wrong or record
        elif result.reason not in reasons:
            reasons.append(result.reason)
    if wrong is not None:
        keep_only(work / _FOLDER, work, wrong)
        return wrong
    raise UnsupportedError("; ".join(reasons))


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


def _record(
    work: Path, item: GoldenSet, graphs: Sequence[GraphRecord], tolerance: Tolerance
) -> ArtifactRecord:
    paths = []
    for graph in graphs:
        path = work / graph.path
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        paths += [file.relative_to(work).as_posix() for file in found if file.is_file()]
    return ArtifactRecord(
        engine="openvino",
        target="any",
        precision="float32",
        verdict="pending",
        files=tuple(hash_file(work, path) for path in paths),
        graphs=tuple(graphs),
        composable=is_stackable(item.signature) and item.independent,
        tolerance=tolerance,
    )
