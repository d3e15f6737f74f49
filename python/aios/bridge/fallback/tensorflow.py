"""Artifacts of the engine tensorflow, and bare SavedModels, in TensorFlow's own Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from aios.bridge.fallback.arrays import Array, dtype_of
from aios.bridge.fallback.engine import Model, Session
from aios.bridge.fallback.records import Signature
from aios.bundle.directory import BundleDirectory
from aios.bundle.dtypes import DTYPES
from aios.bundle.names import plain_names
from aios.bundle.records import (
    ArtifactRecord,
    GraphRecord,
    Manifest,
    SignatureRecord,
    TensorRecord,
)
from aios.errors import (
    AiosError,
    CorruptBundleError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    UnsupportedError,
)

#: Tensors of one call, in the signature's order, to its answers in that order.
_Function = Callable[[Sequence[Any]], Sequence[Any]]
_DEFAULT_SIGNATURE = "serving_default"


class TensorFlowModel(Model):
    """Frozen graphs and SavedModels. Its functions are safe from any thread."""

    def __init__(self, directory: BundleDirectory, artifact: ArtifactRecord, threads: int) -> None:
        # TensorFlow's threads are the whole process's, and its owner's to set.
        del threads
        self._tf = _tensorflow()
        self._artifact = artifact
        self._frozen = {file.path for file in artifact.files}
        self._loaded: dict[str, Any] = {}
        for graph in artifact.graphs:
            if graph.path not in self._loaded:
                self._loaded[graph.path] = self._load(directory, graph.path)

    def new_session(self, signature: Signature) -> Session:
        """Raises UnsupportedError if the artifact has no graph for the signature."""
        for graph in self._artifact.graphs:
            if graph.signature in (None, signature.name):
                return _FunctionSession(self._tf, self._function(graph, signature), signature)
        raise UnsupportedError(
            f"engine 'tensorflow' has no graph for signature '{signature.name}'; use another engine"
        )

    def _load(self, directory: BundleDirectory, path: str) -> Any:
        """A SavedModel, or the graph of a frozen one."""
        if path not in self._frozen:
            return _load_saved_model(self._tf, directory.reach(path), None)
        content = directory.for_reading(path)
        v1 = self._tf.compat.v1
        definition = v1.GraphDef()
        try:
            definition.ParseFromString(content)
            return v1.wrap_function(lambda: self._tf.import_graph_def(definition, name=""), [])
        except Exception as error:
            raise CorruptBundleError(
                f"engine 'tensorflow' could not read '{path}': {error}; export the bundle again"
            ) from error

    def _function(self, graph: GraphRecord, signature: Signature) -> _Function:
        loaded = self._loaded[graph.path]
        if graph.path not in self._frozen:
            return _saved_function(loaded, signature)
        try:
            feeds, fetches = (
                [loaded.graph.get_tensor_by_name(names.get(spec.name, spec.name)) for spec in specs]
                for names, specs in (
                    (graph.inputs, signature.inputs),
                    (graph.outputs, signature.outputs),
                )
            )
        except (KeyError, ValueError) as error:
            raise CorruptBundleError(
                f"the TensorFlow graph lacks a tensor that the manifest names: {error}; export the "
                "bundle again"
            ) from error
        pruned = loaded.prune(feeds, fetches)
        return lambda tensors: pruned(*tensors)


class _FunctionSession(Session):
    def __init__(self, tf: ModuleType, function: _Function, signature: Signature) -> None:
        super().__init__()
        self._tf = tf
        self._function = function
        self._signature = signature

    def call(self, inputs: Sequence[Array]) -> list[Array]:
        tf, specs = self._tf, self._signature.inputs
        try:
            tensors = [
                tf.constant(array, spec.dtype) for array, spec in zip(inputs, specs, strict=True)
            ]
            answers = self._function(tensors)
            return [
                np.asarray(answer.numpy(), dtype_of(spec))
                for answer, spec in zip(answers, self._signature.outputs, strict=True)
            ]
        except tf.errors.OpError as error:
            kind: type[AiosError] = InternalError
            if isinstance(error, tf.errors.UnimplementedError):
                kind = UnsupportedError
            elif error.error_code in _CALLERS_MISTAKES:
                kind = InvalidArgumentError
            raise kind(f"engine 'tensorflow' could not run the model: {error}") from error


#: TensorFlow's codes are gRPC's: INVALID_ARGUMENT, FAILED_PRECONDITION and OUT_OF_RANGE.
_CALLERS_MISTAKES = (3, 9, 11)


def describe_saved_model(directory: Path, tags: Sequence[str]) -> Manifest:
    """A bare SavedModel as a bundle that has one artifact, and nothing to check it with.

    Raises:
        InvalidArgumentError: It can't be loaded with these tags.
        UnsupportedError: It has no signature that a cell can call.
    """
    functions = _load_saved_model(_tensorflow(), directory, tags).signatures
    records = {
        name: record
        for name, function in functions.items()
        if (record := _signature_record(name, function)) is not None
    }
    if not records:
        raise UnsupportedError(
            f"SavedModel '{directory}' has no signature that a cell can call; save it with "
            "signatures=…"
        )
    names = sorted(records, key=lambda name: (name != _DEFAULT_SIGNATURE, name))
    graphs = tuple(GraphRecord(".", -1, name) for name in names)
    artifact = ArtifactRecord("tensorflow", "any", "float32", "passed", graphs=graphs)
    return Manifest(tuple(records[name] for name in names), (artifact,), (), "", None, {})


def _tensorflow() -> ModuleType:
    try:
        import tensorflow
    except ImportError as error:
        raise NotFoundError(
            "engine 'tensorflow' not installed: pip install aios-cells[tensorflow]"
        ) from error
    return tensorflow  # type: ignore[no-any-return]


def _load_saved_model(tf: ModuleType, path: Path, tags: Sequence[str] | None) -> Any:
    try:
        return tf.saved_model.load(str(path), tags=tags)
    except Exception as error:
        raise InvalidArgumentError(
            f"engine 'tensorflow' could not load the SavedModel '{path}': {error}"
        ) from error


def _saved_function(loaded: Any, signature: Signature) -> _Function:
    if signature.name not in loaded.signatures:
        raise CorruptBundleError(
            f"the SavedModel has no signature '{signature.name}'; export the bundle again"
        )
    inputs = _keys(loaded.signatures[signature.name], signature)
    outputs = [spec.name for spec in signature.outputs]

    def call(tensors: Sequence[Any]) -> list[Any]:
        # A signature alone doesn't keep the variables alive: `loaded` does.
        function = loaded.signatures[signature.name]
        answers = function(**dict(zip(inputs, tensors, strict=True)))
        return [answers[name] for name in outputs]

    return call


def _keys(function: Any, signature: Signature) -> list[str]:
    """What the SavedModel itself calls the inputs: it may have plain names in the users' place."""
    names = [spec.name for spec in signature.inputs]
    known = function.structured_input_signature[1]
    return [name if name in known else plain for name, plain in plain_names(names).items()]


def _signature_record(name: str, function: Any) -> SignatureRecord | None:
    """None for one that cells can't take."""
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    if name.startswith("__saved_model") or not isinstance(outputs, dict) or not outputs:
        return None
    records = [
        [_tensor_record(key, specs[key]) for key in sorted(specs)] for specs in (inputs, outputs)
    ]
    taken, given = (tuple(record for record in found if record is not None) for found in records)
    if len(taken) != len(inputs) or len(given) != len(outputs):
        return None
    return SignatureRecord(name, taken, given)


def _tensor_record(name: str, spec: Any) -> TensorRecord | None:
    if spec.shape.rank is None or spec.dtype.name not in DTYPES:
        return None
    sizes = tuple(-1 if size is None else int(size) for size in spec.shape)
    return TensorRecord(name, spec.dtype.name, sizes)
