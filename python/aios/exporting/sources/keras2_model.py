"""A model of Keras 2, in the package tf_keras, as a source."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from aios.errors import InvalidArgumentError
from aios.exporting.sources.base import require_different
from aios.exporting.sources.call_plan import CallPlan
from aios.exporting.sources.keras_model import KerasSource


class Keras2Source(KerasSource):
    """Inputs are named as its Input layers, dict keys or arguments are."""

    kind: ClassVar[str] = "keras2"

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self._structure: Any = None

    def _planned(self, samples: object) -> CallPlan:
        """The plan of the call that the model recorded: of its Input layers, or its first."""
        import tensorflow as tf

        del samples
        self._structure = self.model.save_spec()
        if self._structure is None:
            raise InvalidArgumentError(
                f"model '{self.model.name}' isn't built: call it once on data, or give it an Input "
                "layer"
            )
        specs = tf.nest.flatten(self._structure)
        names = tuple(spec.name or f"input_{index}" for index, spec in enumerate(specs))
        require_different(names)
        return CallPlan(
            "structure",
            names,
            tuple(tuple(spec.shape) for spec in specs),
            tuple(spec.dtype.name for spec in specs),
        )

    def _archive(self) -> Any:
        import tf_keras

        return tf_keras.export.ExportArchive()

    def _write_out(self, archive: Any, path: str, options: Any) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            archive.write_out(path, options=options)

    def _weights(self) -> Iterator[tuple[str, Any]]:
        for weight in self.model.weights:
            yield weight.name, weight.numpy()

    def _call(self, values: Sequence[Any]) -> Any:
        import tensorflow as tf

        args, kwargs = tf.nest.pack_sequence_as(self._structure, list(values))
        return self.model(*args, **kwargs, training=False)


def installed_keras2() -> Any:
    """The package tf_keras, or None where it isn't installed."""
    try:
        import tf_keras
    except ImportError:
        return None
    return tf_keras


def is_keras2_model(model: Any) -> bool:
    """Whether it is a model of tf_keras, which is imported only by whoever made one."""
    keras2 = sys.modules.get("tf_keras")
    return keras2 is not None and isinstance(model, keras2.Model)
