"""Converting Keras models and running them compiled, for the tests of this folder."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from aios.bundle.comparison import tolerances_apart
from aios.bundle.manifest import Tolerance
from aios.compiler import CompiledArtifact, compile_graphs, passes
from aios.compiler.host import CompiledModel
from aios.compiler.verify import checked

if TYPE_CHECKING:
    from pathlib import Path

Array = np.ndarray[Any, np.dtype[Any]]


#: Tighter than what a bundle allows of these types; else float32's.
ALLOWED = {
    "float64": Tolerance(1e-12, 1e-10),
    "float16": Tolerance(2e-3, 2e-3),
    "bfloat16": Tolerance(2e-2, 2e-2),
}


def tolerances(got: Array, expected: Array) -> float:
    """Returns the largest error in units of the tolerance, per tensor and sample."""
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    allowed = ALLOWED.get(expected.dtype.name, Tolerance())
    rows = (len(expected) if expected.ndim else 1, *expected.shape[1:])
    return float(
        tolerances_apart(got.reshape(rows), expected.reshape(rows), allowed).max(initial=0.0)
    )


@dataclass
class Converted:
    """A Keras model and its static-batch graphs; outputs are in the graph's order."""

    model: Any
    graphs: dict[int, Path]

    def draw(self, count: int, seed: int = 5, scale: float = 1.0) -> list[Array]:
        """Returns random inputs: normal floats, ids from 0 to 9."""
        rng = np.random.default_rng(seed)
        arrays = []
        for tensor in self.model.inputs:
            shape = (count, *tensor.shape[1:])
            dtype = np.dtype(tensor.dtype)
            drawn = rng.normal(size=shape) * scale
            arrays.append(
                (drawn if dtype.kind == "f" else rng.integers(0, 10, shape)).astype(dtype)
            )
        return arrays

    def expected(self, arrays: list[Array]) -> list[Array]:
        """Returns Keras's own answers."""
        answer = self.model(arrays if len(arrays) > 1 else arrays[0], training=False)
        if isinstance(answer, dict):
            answer = [answer[name] for name in sorted(answer)]
        return [np.asarray(t) for t in (answer if isinstance(answer, list | tuple) else [answer])]


def convert(model: Any, folder: Path, batches: tuple[int, ...] = (1, 8)) -> Converted:
    """Freezes a Keras model and writes a `.tflite` file for each batch."""
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    graphs = {}
    for batch in batches:
        specs = [
            tf.TensorSpec((batch, *t.shape[1:]), t.dtype, name=f"in{i}")
            for i, t in enumerate(model.inputs)
        ]

        @tf.function(input_signature=specs)
        def serve(*tensors: Any) -> Any:
            answer = model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)
            if isinstance(answer, dict):
                answer = [answer[name] for name in sorted(answer)]
            return answer

        frozen = convert_to_constants.convert_variables_to_constants_v2(
            serve.get_concrete_function(), lower_control_flow=False
        )
        content = tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
        graphs[batch] = folder / f"b{batch}.tflite"
        graphs[batch].write_bytes(content)
    return Converted(model, graphs)


def convert_function(function: Any, arrays: list[Array]) -> bytes:
    """Converts a function of tensors, a list of results, for exactly these shapes.

    What TensorFlow Lite has no form for stays TensorFlow's own operator, as in an export.
    """
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    specs = [tf.TensorSpec(a.shape, a.dtype, name=f"in{i}") for i, a in enumerate(arrays)]
    traced = tf.function(function, input_signature=specs, autograph=False)
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        traced.get_concrete_function(), lower_control_flow=False
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.allow_custom_ops = True
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    return bytes(converter.convert())


def disturb(model: Any, seed: int = 3) -> Any:
    """Moves every weight off its initial value, so that zero biases hide nothing."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        value = weight.numpy()
        if value.dtype.kind == "f":
            moved = value + 0.1 * rng.normal(size=value.shape)
            weight.assign(np.abs(moved) + 0.1 if "variance" in weight.path else moved)
    return model


@dataclass
class Compiled:
    """A compiled model beside its source."""

    source: Converted
    artifact: CompiledArtifact
    folder: Path
    run: CompiledModel

    def worst(self, arrays: list[Array]) -> float:
        """Returns the largest error against Keras, in tolerances."""
        expected = self.source.expected(arrays)
        return max(tolerances(*pair) for pair in zip(self.run(*arrays), expected, strict=True))


@pytest.fixture(autouse=True)
def _every_pass_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pass leaves a graph that is well formed, whatever a test compiles."""
    monkeypatch.setattr(passes, "PASSES", tuple(map(checked, passes.PASSES)))


@pytest.fixture(scope="session")
def build_in() -> Any:
    """A function that disturbs, converts and compiles a Keras model in a folder, for a target."""

    def build(model: Any, folder: Path, target: str) -> Compiled:
        source = convert(disturb(model), folder)
        artifact = compile_graphs(source.graphs, folder / "out", name="random", target=target)
        return Compiled(source, artifact, folder / "out", CompiledModel(folder / "out"))

    return build


@pytest.fixture
def converted(tmp_path: Path) -> Any:
    """A function that converts a Keras model, for batch 1 and 8."""
    return lambda model: convert(disturb(model), tmp_path)


@pytest.fixture
def compiled(tmp_path: Path) -> Any:
    """A function that converts and compiles a Keras model."""

    def build(
        model: Any, batches: tuple[int, ...] = (1, 8), moved: bool = False, **options: Any
    ) -> Compiled:
        source = convert(disturb(model) if moved else model, tmp_path, batches)
        artifact = compile_graphs(source.graphs, tmp_path / "out", **{"name": "model", **options})
        return Compiled(source, artifact, tmp_path / "out", CompiledModel(tmp_path / "out"))

    return build


@pytest.fixture
def function_error(tmp_path: Path) -> Any:
    """A function that compiles one of tensors, and returns its largest error in tolerances."""

    def build(function: Any, *arrays: Array) -> float:
        import tensorflow as tf

        path = tmp_path / "function.tflite"
        path.write_bytes(convert_function(function, list(arrays)))
        compile_graphs({len(arrays[0]): path}, tmp_path / "out", name="function")
        answers = CompiledModel(tmp_path / "out")(*arrays)
        expected = [np.asarray(t) for t in function(*map(tf.constant, arrays))]
        return max(tolerances(*pair) for pair in zip(answers, expected, strict=True))

    return build


@pytest.fixture(scope="session")
def draw() -> Any:
    """A function that draws an array of a shape and a dtype."""
    return _drawn


def _drawn(shape: tuple[int, ...], dtype: str = "float32", seed: int = 7) -> Any:
    """Normal floats with a zero and a negative half; integers from -9 to 9; bytes of any value."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        drawn = rng.normal(size=shape).astype(dtype)
        drawn.reshape(-1)[:2] = 0, -0.5
        return drawn
    if kind.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind.itemsize == 1:
        limits = np.iinfo(kind)
        return rng.integers(limits.min, limits.max + 1, shape, dtype)
    return rng.integers(-9, 10, shape).astype(dtype)
