"""A Keras model as a source: Functional, Sequential or subclassed, compiled or not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from aios.bundle.comparison import Arrays
from aios.bundle.manifest import SignatureRecord
from aios.bundle.names import plain_names
from aios.errors import AiosError, UnsupportedError
from aios.exporting.reasons import reason_of
from aios.exporting.sources.base import DEFAULT_SIGNATURE, Source, signature_record, tensors
from aios.exporting.sources.call_plan import CallPlan, plan
from aios.exporting.sources.outputs import named_outputs
from aios.exporting.sources.scopes import any_scope_name


class KerasSource(Source):
    """Inputs are named as the model's Input layers, dict keys or arguments are."""

    kind: ClassVar[str] = "keras"

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self._plan: CallPlan | None = None
        self._output_names: tuple[str, ...] = ()

    def save(self, path: Path, samples: object = None) -> None:
        """Exports the model for inference.

        Raises:
            InvalidArgumentError: The model isn't built or doesn't say what it takes.
            UnsupportedError: Keras can't export it; says why.
        """
        self.save_planned(path, self._planned(samples))
        self._read(path)

    def save_planned(self, path: Path, planned: CallPlan) -> tuple[str, ...]:
        """Writes the SavedModel for a plan; returns the names of the outputs in order."""
        import tensorflow as tf

        self._plan = planned
        self._require_savable_names()

        def serve(*values: Any) -> dict[str, Any]:
            answers = named_outputs(self._call(values))
            self._output_names = tuple(answers)
            return answers

        specs = [
            tf.TensorSpec(shape, dtype, name=name)
            for name, shape, dtype in zip(
                plain_names(planned.names).values(), planned.shapes, planned.dtypes, strict=True
            )
        ]
        try:
            with any_scope_name():
                archive = self._archive()
                for part in self._tracked(planned):
                    archive.track(part)
                archive.add_endpoint(DEFAULT_SIGNATURE, serve, input_signature=specs)
                # Gradients are of no use here, and some (silu's) can't be saved.
                options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
                self._write_out(archive, str(path), options)
        except (AiosError, OSError):
            raise
        except Exception as error:
            raise UnsupportedError(
                f"Keras can't export model '{self.model.name}': {reason_of(error)}"
            ) from error
        return self._output_names

    def answers(self, signature: SignatureRecord, inputs: Arrays) -> Arrays:
        """The model's own outputs for one call, by the signature's names."""
        results = named_outputs(self._call(list(self._values(inputs, signature).values())))
        return {spec.name: self._array(results[spec.name]) for spec in signature.outputs}

    def fingerprint(self) -> str:
        """SHA-256 of the configuration and of every weight's path, shape, dtype and bytes."""
        try:
            configuration = self.model.to_json()
        except Exception:  # A subclassed model may have no configuration.
            configuration = f"{type(self.model).__module__}.{type(self.model).__qualname__}"
        digest = hashlib.sha256(configuration.encode())
        for path, value in self._weights():
            array = np.ascontiguousarray(value)
            digest.update(f"\0{path}\0{array.shape}\0{array.dtype}\0".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def words(self) -> tuple[str, ...]:
        """The first words of its look-up layers, and one that none of them has."""
        found: dict[str, None] = {}
        for layer in self.model._flatten_layers(include_self=False):
            if hasattr(layer, "get_vocabulary"):
                found.update(dict.fromkeys(str(word) for word in layer.get_vocabulary()[:32]))
        return (*found, "not in any vocabulary") if found else ()

    def _planned(self, samples: object) -> CallPlan:
        return plan(self.model, samples)

    def _archive(self) -> Any:
        """What Keras writes a SavedModel with."""
        import keras

        return keras.export.ExportArchive()

    def _write_out(self, archive: Any, path: str, options: Any) -> None:
        archive.write_out(path, options=options, verbose=False)

    def _weights(self) -> Iterator[tuple[str, Any]]:
        """Every weight's path and value, as an array."""
        for weight in self.model.weights:
            yield weight.path, self._array(weight.value)

    def _tracked(self, planned: CallPlan) -> list[Any]:
        """What holds look-up tables: tracking a model has Keras trace it for one argument, too."""
        if planned.style != "arguments":
            return [self.model]
        layers = self.model._flatten_layers(include_self=False)
        return [layer for layer in layers if hasattr(layer, "get_vocabulary")]

    def _require_savable_names(self) -> None:
        for weight in self.model.weights:
            if ":" in getattr(weight, "path", ""):
                raise UnsupportedError(
                    f"the weight '{weight.path}' has a ':' in its name, which TensorFlow can't "
                    "save; rename its layer"
                )

    def _read(self, path: Path) -> None:
        functions = self._open(path)
        names = self._plan.names if self._plan else ()
        self._keys[DEFAULT_SIGNATURE] = plain_names(names)
        self.signatures = (
            signature_record(
                DEFAULT_SIGNATURE,
                functions[DEFAULT_SIGNATURE],
                names,
                self._output_names,
                self._keys[DEFAULT_SIGNATURE],
            ),
        )

    def _call(self, values: Sequence[Any]) -> Any:
        assert self._plan is not None
        positional, named = self._plan.arguments(self.model, values)
        return self.model(*positional, **named, training=False)

    def _values(self, inputs: Arrays, signature: SignatureRecord) -> dict[str, Any]:
        return tensors(inputs, signature)

    def _array(self, value: Any) -> Any:
        return np.asarray(value)
