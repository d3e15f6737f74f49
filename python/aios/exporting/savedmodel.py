"""A Keras model as a SavedModel on disk, and what its signature says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aios.bundle.manifest import SignatureRecord, TensorRecord
from aios.errors import InvalidArgumentError, UnsupportedError

SIGNATURE = "serving_default"
Arrays = dict[str, npt.NDArray[Any]]


class KerasSource:
    """A Keras model about to be exported: its SavedModel, its signature, its own answers."""

    def __init__(self, model: Any) -> None:
        import keras

        if not isinstance(model, keras.Model):
            raise InvalidArgumentError(
                f"model: expected a keras.Model, got {type(model).__name__}; build one with "
                "keras.Sequential or keras.Model"
            )
        if keras.backend.backend() != "tensorflow":
            raise UnsupportedError(
                f"Keras runs on {keras.backend.backend()!r} here: set KERAS_BACKEND=tensorflow "
                "before importing keras"
            )
        if not model.built:
            raise InvalidArgumentError(
                f"model '{model.name}' isn't built: call it once on data, or give it an Input layer"
            )
        self._model = model

    def save(self, path: Path) -> SignatureRecord:
        """Writes the SavedModel (tag "serve") and returns its signature, inputs in call order."""
        import tensorflow as tf

        self._model.export(str(path), format="tf_saved_model", verbose=False)
        function = tf.saved_model.load(str(path)).signatures[SIGNATURE]
        specs = function.structured_input_signature[1]
        order = [tensor.name for tensor in self._model.inputs]
        names = sorted(specs, key=lambda name: order.index(name) if name in order else len(order))
        outputs = function.structured_outputs
        return SignatureRecord(
            name=SIGNATURE,
            inputs=tuple(_record(name, specs[name]) for name in names),
            outputs=tuple(_record(name, outputs[name]) for name in sorted(outputs, key=_natural)),
        )

    def answers(self, inputs: Arrays, signature: SignatureRecord) -> Arrays:
        """The model's own outputs, by the signature's names; one batch in, one batch out."""
        values = [inputs[spec.name] for spec in signature.inputs]
        result = self._model(values[0] if len(values) == 1 else values, training=False)
        if not isinstance(result, dict):
            flat = result if isinstance(result, (list, tuple)) else [result]
            result = dict(zip([spec.name for spec in signature.outputs], flat, strict=True))
        return {spec.name: np.asarray(result[spec.name]) for spec in signature.outputs}


def _natural(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if number.isdigit() else (name, 0)


def _record(name: str, spec: Any) -> TensorRecord:
    shape = tuple(-1 if size is None else int(size) for size in spec.shape)
    return TensorRecord(name, spec.dtype.name, shape)
