"""The tensorflow engine's artifact: frozen graphs where the model allows, else its SavedModel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aios.bundle.manifest import ArtifactRecord, GraphRecord, Tolerance
from aios.errors import UnsupportedError
from aios.exporting.engines.pending import pending_record
from aios.exporting.golden import GoldenSet
from aios.exporting.graphs import FrozenGraph
from aios.exporting.sources.base import SAVED_MODEL, Source
from aios.proving import Prover

#: A protobuf message can't be larger.
_MAX_GRAPH_BYTES = 2**31 - 1
_PYTHON_OPERATORS = "calls back into Python"
#: The operation that TensorFlow runs once when it loads a SavedModel.
_MAIN_OPERATION = "saved_model_main_op"


def make(
    work: Path,
    source: Source,
    golden: Sequence[GoldenSet],
    tolerance: Tolerance,
    prover: Prover,
) -> ArtifactRecord:
    """Writes `tensorflow/SIGNATURE.pb`, or points at the bundle's SavedModel.

    A graph with look-up tables is written as a SavedModel, `tensorflow/SIGNATURE/`, because those
    are filled when it is loaded.

    Raises:
        UnsupportedError: The model calls back into Python, which a C program can't.
    """
    del prover
    try:
        graphs = _frozen(work, source, golden)
    except UnsupportedError as error:
        if _PYTHON_OPERATORS in str(error):
            raise
        graphs = [_in_saved_model(source, item.signature.name) for item in golden]
    return pending_record("tensorflow", work, golden, graphs, tolerance)


def _frozen(work: Path, source: Source, golden: Sequence[GoldenSet]) -> list[GraphRecord]:
    contents = {}
    for item in golden:
        name = item.signature.name
        frozen = source.frozen(name)
        content = _saved_model(frozen, item) if frozen.initializers else frozen.graph_def
        if content.ByteSize() > _MAX_GRAPH_BYTES:
            raise UnsupportedError("its weights don't fit one graph file")
        contents[name] = content.SerializeToString(deterministic=True)
    graphs = []
    for index, (name, content) in enumerate(contents.items()):
        frozen = source.frozen(name)
        path = f"tensorflow/{_file_name(name, index)}"
        file = f"{path}/saved_model.pb" if frozen.initializers else f"{path}.pb"
        (work / file).parent.mkdir(parents=True, exist_ok=True)
        (work / file).write_bytes(content)
        graphs.append(
            GraphRecord(
                path if frozen.initializers else file,
                -1,
                name,
                dict(frozen.inputs),
                dict(frozen.outputs),
            )
        )
    return graphs


def _saved_model(frozen: FrozenGraph, item: GoldenSet) -> Any:
    """A SavedModel without variables, whose tables are filled when it is loaded."""
    import tensorflow as tf
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved = SavedModel(saved_model_schema_version=1)
    graph = saved.meta_graphs.add()
    graph.meta_info_def.tags.append("serve")
    graph.meta_info_def.tensorflow_version = tf.__version__
    graph.graph_def.CopyFrom(frozen.graph_def)
    fill = graph.graph_def.node.add(name="aios_fill_tables", op="NoOp")
    fill.input.extend(f"^{operation}" for operation in frozen.initializers)
    graph.collection_def[_MAIN_OPERATION].node_list.value.append(fill.name)
    signature = graph.signature_def[item.signature.name]
    signature.method_name = "tensorflow/serving/predict"
    for names, specs, tensors in (
        (frozen.inputs, item.signature.inputs, signature.inputs),
        (frozen.outputs, item.signature.outputs, signature.outputs),
    ):
        for spec in specs:
            tensors[spec.name].name = names[spec.name]
            tensors[spec.name].dtype = tf.as_dtype(spec.dtype).as_datatype_enum
            for size in spec.shape:
                tensors[spec.name].tensor_shape.dim.add().size = size
    return saved


def _in_saved_model(source: Source, name: str) -> GraphRecord:
    inputs, outputs = source.saved_names(name)
    return GraphRecord(SAVED_MODEL, -1, name, inputs, outputs)


def _file_name(signature: str, index: int) -> str:
    plain = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", signature)
    return signature if plain else f"signature_{index}"
