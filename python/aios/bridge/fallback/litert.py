"""Artifacts of the engine litert on LiteRT's Python interpreter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aios.bridge.fallback.arrays import Array, describe_array, dtype_of
from aios.bridge.fallback.engine import ComposedSession, Model, Session, SizedSession
from aios.bridge.fallback.records import Signature, TensorSpec
from aios.bundle.directory import BundleDirectory
from aios.bundle.records import ArtifactRecord
from aios.bundle.schema import ANY_SIZE
from aios.errors import CorruptBundleError, InternalError, NotFoundError, UnsupportedError


class LiteRtModel(Model):
    """All .tflite files of an artifact, read once; each takes any batch, or one."""

    def __init__(self, directory: BundleDirectory, artifact: ArtifactRecord, threads: int) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise NotFoundError(
                "engine 'litert' not installed: pip install aios-cells[litert]"
            ) from error
        self._make = Interpreter
        self._artifact = artifact
        self._threads = threads
        self._files = {graph.path: directory.content(graph.path) for graph in artifact.graphs}

    def new_session(self, signature: Signature) -> Session:
        """Raises UnsupportedError if the artifact has no graph for the signature."""
        by_sizes: dict[tuple[tuple[str, tuple[int, ...]], ...], dict[int, Session]] = {}
        for graph in self._artifact.graphs:
            if graph.signature in (None, signature.name):
                parts = by_sizes.setdefault(tuple(sorted(graph.sizes.items())), {})
                parts[graph.batch] = self._session(graph.path, signature)
        if not by_sizes:
            raise UnsupportedError(
                f"engine 'litert' has no graph for signature '{signature.name}'; use another engine"
            )
        sized = [(dict(sizes), self._composed(parts)) for sizes, parts in by_sizes.items()]
        return sized[0][1] if list(by_sizes) == [()] else SizedSession(sized, signature)

    def _composed(self, parts: dict[int, Session]) -> Session:
        if ANY_SIZE in parts:
            return parts[ANY_SIZE]
        return ComposedSession(parts, composable=self._artifact.composable)

    def _session(self, path: str, signature: Signature) -> Session:
        try:
            # Interpreters share the content; none shares its memory for activations.
            interpreter = self._make(model_content=self._files[path], num_threads=self._threads)
        except (RuntimeError, ValueError) as error:
            raise CorruptBundleError(
                f"engine 'litert' can't read '{path}': {error}; export the bundle again"
            ) from error
        return _FileSession(interpreter, signature)


class _FileSession(Session):
    """One signature of one .tflite file. An interpreter isn't safe from two threads."""

    def __init__(self, interpreter: Any, signature: Signature) -> None:
        super().__init__()
        try:
            self._run = interpreter.get_signature_runner(signature.name)
        except ValueError as error:
            raise CorruptBundleError(
                f"the .tflite file has no signature '{signature.name}'; export the bundle again"
            ) from error
        inputs, outputs = self._run.get_input_details(), self._run.get_output_details()
        _require_match("input", signature.inputs, inputs)
        _require_match("output", signature.outputs, outputs)
        self._inputs = [spec.name for spec in signature.inputs]
        self._outputs = [spec.name for spec in signature.outputs]
        self._sizes = [tuple(inputs[name]["shape_signature"]) for name in self._inputs]

    def call(self, inputs: Sequence[Array]) -> list[Array]:
        for index, (sizes, array) in enumerate(zip(self._sizes, inputs, strict=True)):
            _require_size(index, sizes, array)
        try:
            answers = self._run(**dict(zip(self._inputs, inputs, strict=True)))
        except (RuntimeError, ValueError) as error:
            raise InternalError(f"engine 'litert' could not run the model: {error}") from error
        return [answers[name] for name in self._outputs]


def _require_match(
    role: str, specs: Sequence[TensorSpec], details: Mapping[str, Mapping[str, Any]]
) -> None:
    for spec in specs:
        if spec.name not in details or len(details) != len(specs):
            raise CorruptBundleError(
                f"the .tflite file's {role}s don't match the manifest at '{spec.name}'; export the "
                "bundle again"
            )
        found = details[spec.name]
        if found["dtype"] != dtype_of(spec) or len(found["shape"]) != len(spec.shape):
            raise CorruptBundleError(
                f"the .tflite file's tensor '{spec.name}' isn't the manifest's {spec}; export the "
                "bundle again"
            )


def _require_size(index: int, sizes: Sequence[int], array: Array) -> None:
    """The interpreter would resize a graph that is made for one size, and answer wrongly."""
    for axis, (size, got) in enumerate(zip(sizes, array.shape, strict=True)):
        if size not in (ANY_SIZE, got):
            raise UnsupportedError(
                f"engine 'litert': the file is made for {size} in dimension {axis} of input "
                f"{index}, got {describe_array(array)}; use another engine"
            )
