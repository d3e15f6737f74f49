"""The tensorflow engine's artifact: frozen graphs where the model allows, else its SavedModel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from aios.bundle.manifest import ArtifactRecord, GraphRecord, Tolerance, hash_file
from aios.errors import UnsupportedError
from aios.exporting.golden import GoldenSet
from aios.exporting.samples import is_stackable
from aios.exporting.sources.base import SAVED_MODEL, Source

#: A protobuf message can't be larger.
_MAX_GRAPH_BYTES = 2**31 - 1
_PYTHON_OPERATORS = "calls back into Python"


def make(
    work: Path, source: Source, golden: Sequence[GoldenSet], tolerance: Tolerance
) -> ArtifactRecord:
    """Writes `tensorflow/SIGNATURE.pb`, or points at the bundle's SavedModel.

    Raises:
        UnsupportedError: The model calls back into Python, which a C program can't.
    """
    del tolerance
    try:
        graphs = _frozen(work, source, golden)
        paths = [graph.path for graph in graphs]
    except UnsupportedError as error:
        if _PYTHON_OPERATORS in str(error):
            raise
        graphs = [_in_saved_model(source, item.signature.name) for item in golden]
        paths = sorted(
            str(path.relative_to(work))
            for path in (work / SAVED_MODEL).rglob("*")
            if path.is_file()
        )
    return ArtifactRecord(
        engine="tensorflow",
        target="any",
        precision="float32",
        verdict="pending",
        files=tuple(hash_file(work, path) for path in paths),
        graphs=tuple(graphs),
        composable=all(is_stackable(item.signature) and item.independent for item in golden),
    )


def _frozen(work: Path, source: Source, golden: Sequence[GoldenSet]) -> list[GraphRecord]:
    names = [item.signature.name for item in golden]
    contents = {}
    for item in golden:
        if any(spec.dtype == "string" for spec in item.signature.inputs + item.signature.outputs):
            raise UnsupportedError("it has string tensors")
        graph_def = source.frozen(item.signature.name).graph_def
        if graph_def.ByteSize() > _MAX_GRAPH_BYTES:
            raise UnsupportedError("its weights don't fit one graph file")
        contents[item.signature.name] = graph_def.SerializeToString(deterministic=True)
    (work / "tensorflow").mkdir(exist_ok=True)
    graphs = []
    for index, name in enumerate(names):
        frozen = source.frozen(name)
        path = f"tensorflow/{_file_name(name, index)}.pb"
        (work / path).write_bytes(contents[name])
        graphs.append(GraphRecord(path, -1, name, dict(frozen.inputs), dict(frozen.outputs)))
    return graphs


def _in_saved_model(source: Source, name: str) -> GraphRecord:
    inputs, outputs = source.saved_names(name)
    return GraphRecord(SAVED_MODEL, -1, name, inputs, outputs)


def _file_name(signature: str, index: int) -> str:
    plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", signature)
    return signature if plain else f"signature_{index}"
