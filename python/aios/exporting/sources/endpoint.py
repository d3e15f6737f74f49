"""A function of a `tf.Module` as a signature: tensors in by name, tensors out by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aios.bundle.names import plain_names
from aios.errors import InvalidArgumentError, UnsupportedError
from aios.exporting.sources.base import require_different
from aios.exporting.sources.outputs import named_outputs


class Endpoint:
    """A concrete function; arguments that are no tensors keep the values it was traced with.

    Attributes:
        function: The concrete function.
        names: The names of its tensors, in the order of its arguments.
        keys: The plain name that each has in a SavedModel.
    """

    def __init__(self, function: Any) -> None:
        import tensorflow as tf

        self.function = function
        self._structure = function.structured_input_signature
        self._leaves = tf.nest.flatten(self._structure)
        self._specs = [leaf for leaf in self._leaves if isinstance(leaf, tf.TensorSpec)]
        for leaf in self._leaves:
            if isinstance(leaf, tf.TypeSpec) and not isinstance(leaf, tf.TensorSpec):
                raise _not_dense("takes", leaf)
        self.names = [spec.name or f"input_{i}" for i, spec in enumerate(self._specs)]
        require_different(self.names)
        self.keys = plain_names(self.names)

    def call(self, values: Sequence[Any]) -> dict[str, Any]:
        """The outputs by name, for tensors in the order of `names`."""
        import tensorflow as tf

        left = iter(values)
        leaves = [next(left) if isinstance(v, tf.TensorSpec) else v for v in self._leaves]
        args, kwargs = tf.nest.pack_sequence_as(self._structure, leaves)
        return named_outputs(self.function(*args, **kwargs))

    def saved(self) -> Any:
        """The function in the form that a SavedModel's signature has.

        Raises:
            InvalidArgumentError: It returns no tensor.
            UnsupportedError: It returns a ragged or sparse tensor.
        """
        import tensorflow as tf

        def serve(*values: Any) -> dict[str, Any]:
            answers = self.call(values)
            if not answers:
                raise InvalidArgumentError("model: a tf.function returns nothing; return a tensor")
            for name, answer in answers.items():
                if isinstance(answer, (tf.RaggedTensor, tf.SparseTensor, tf.IndexedSlices)):
                    raise _not_dense(f"returns, as '{name}',", answer)
            return answers

        specs = [
            tf.TensorSpec(spec.shape, spec.dtype, name=key)
            for spec, key in zip(self._specs, self.keys.values(), strict=True)
        ]
        traced = tf.function(serve, input_signature=specs, autograph=False)
        return traced.get_concrete_function()


def _not_dense(action: str, value: Any) -> UnsupportedError:
    return UnsupportedError(
        f"model: a tf.function {action} a {type(value).__name__}; only dense tensors cross a "
        "signature: use to_tensor() or tf.sparse.to_dense, or its parts"
    )
