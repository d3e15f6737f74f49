"""Which layer of a Keras model an artifact first goes wrong in."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aios.bundle.manifest import Tolerance
from aios.bundle.precision import FLOAT32
from aios.exporting import golden
from aios.exporting.asking import rows_of
from aios.exporting.building import build
from aios.exporting.golden import GoldenSet
from aios.exporting.reasons import contained
from aios.exporting.samples import Samples
from aios.exporting.sources.base import SAVED_MODEL
from aios.exporting.sources.keras_model import KerasSource
from aios.proving import Prover


def first_diverging_layer(
    source: KerasSource,
    samples: GoldenSet,
    engine: str,
    tolerance: Tolerance,
    work: Path,
    *,
    prover: Prover,
) -> str | None:
    """Exports prefixes of the model, from its inputs to one layer, the way the whole was exported.

    Bisects over the layers in the order of the model, then walks back along branches, so that the
    layer found diverges while all layers that feed it don't.

    Returns:
        "'NAME' (CLASS)", or None for a model without layers to cut at, or if no prefix diverges.
    """
    prefixes = _Prefixes(source.model, samples, engine, tolerance, work, prover=prover)
    found = _bisect(prefixes)
    while found is not None:
        earlier = [index for index in prefixes.feeding(found) if prefixes.diverges(index)]
        if not earlier:
            break
        found = earlier[0]
    if found is None:
        return None
    layer = prefixes.layers[found]
    return f"'{layer.name}' ({type(layer).__name__})"


def _bisect(prefixes: _Prefixes) -> int | None:
    high = len(prefixes.layers) - 1
    if high < 0 or not prefixes.diverges(high):
        return None
    low = -1
    while high - low > 1:
        middle = (low + high) // 2
        if prefixes.diverges(middle):
            high = middle
        else:
            low = middle
    return high


class _Prefixes:
    """The layers that a model can be cut after, and whether it diverges up to each."""

    def __init__(
        self,
        model: Any,
        samples: GoldenSet,
        engine: str,
        tolerance: Tolerance,
        work: Path,
        *,
        prover: Prover,
    ) -> None:
        self.layers = _cut_points(model)
        self._model = model
        self._samples = samples
        self._engine = engine
        self._tolerance = tolerance
        self._work = work
        self._prover = prover
        self._known: dict[int, bool] = {}

    def diverges(self, index: int) -> bool:
        if index not in self._known:
            with tempfile.TemporaryDirectory(prefix="prefix-", dir=self._work) as directory:
                self._known[index] = self._export(self.layers[index], Path(directory))
        return self._known[index]

    def feeding(self, index: int) -> Sequence[int]:
        """Indices of the layers whose outputs go into a layer."""
        feeders = {id(layer) for layer in _inbound_layers(self.layers[index])}
        return [i for i, layer in enumerate(self.layers) if id(layer) in feeders]

    def _export(self, layer: Any, work: Path) -> bool:
        import keras

        structure = getattr(self._model, "_inputs_struct", None)
        inputs = self._model.inputs if structure is None else structure
        try:
            source = KerasSource(keras.Model(inputs, layer.output))
            source.save(work / SAVED_MODEL)
            (signature,) = source.signatures
            near = np.arange(self._samples.in_range)
            kept = golden.collect(
                lambda arrays: source.answers(signature, arrays),
                signature,
                Samples(rows_of(self._samples.inputs, near), drawn=True),
                self._tolerance,
                self._samples.ranges,
            )
            tolerances = {FLOAT32: self._tolerance}
            manifest = build(work, source, [kept], [self._engine], tolerances, prover=self._prover)
        except Exception as error:
            contained(error)
            return False  # Such a prefix can't be exported by itself: it says nothing.
        return any(artifact.verdict == "failed" for artifact in manifest.artifacts)


def _cut_points(model: Any) -> list[Any]:
    """Layers in the order of the model that have one output of their own."""
    import keras

    if not isinstance(model, (keras.Sequential, keras.src.models.Functional)):
        return []
    return [
        layer
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
        and len(getattr(layer, "_inbound_nodes", ())) >= 1
        and _has_one_output(layer)
    ]


def _has_one_output(layer: Any) -> bool:
    try:
        return layer.output is not None
    except (AttributeError, ValueError):
        return False


def _inbound_layers(layer: Any) -> list[Any]:
    return [
        tensor._keras_history.operation
        for node in layer._inbound_nodes
        for tensor in node.input_tensors
    ]
