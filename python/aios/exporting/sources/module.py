"""A `tf.Module` as a source: each tf.function with one known input signature."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from aios.bundle.comparison import Arrays
from aios.bundle.manifest import SignatureRecord
from aios.errors import AiosError, InvalidArgumentError
from aios.exporting.reasons import reason_of
from aios.exporting.sources.base import (
    DEFAULT_SIGNATURE,
    Source,
    natural,
    signature_record,
    tensors,
    with_inputs,
)
from aios.exporting.sources.endpoint import Endpoint
from aios.exporting.sources.scopes import any_scope_name

_HINT = "give its tf.function an input_signature=[tf.TensorSpec([None, 10], tf.float32, name='x')]"


class ModuleSource(Source):
    """`__call__`, or the only function, becomes the default signature; others keep their names."""

    kind: ClassVar[str] = "tf_module"

    def __init__(self, module: Any) -> None:
        super().__init__()
        self._module = module
        with any_scope_name():
            functions = _functions_of(module)
        self._endpoints = {name: Endpoint(function) for name, function in functions.items()}

    def save(self, path: Path, samples: object = None) -> None:
        """Writes the module's functions as a SavedModel.

        Raises:
            InvalidArgumentError: TensorFlow can't save it; says why.
            UnsupportedError: A tensor that is ragged or sparse.
        """
        del samples
        try:
            with any_scope_name():
                self._write(path)
        except AiosError:
            raise
        except (AssertionError, TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"model: TensorFlow can't save this tf.Module: {reason_of(error)}"
            ) from error
        functions = self._open(path)
        self._keys = {name: endpoint.keys for name, endpoint in self._endpoints.items()}
        self.signatures = with_inputs(
            [
                signature_record(name, functions[name], endpoint.names, keys=endpoint.keys)
                for name, endpoint in self._endpoints.items()
            ]
        )

    def _write(self, path: Path) -> None:
        """Saves what the functions use, and no more of the module if that is enough.

        A Keras model in a module is saved with each variable twice, and TensorFlow's C API then
        finds the wrong one.
        """
        import tensorflow as tf

        signatures = {name: endpoint.saved() for name, endpoint in self._endpoints.items()}
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        try:
            tf.saved_model.save(self._used(), str(path), signatures=signatures, options=options)
        except AssertionError:  # A function uses something else that must be tracked.
            tf.saved_model.save(self._module, str(path), signatures=signatures, options=options)

    def _used(self) -> Any:
        import tensorflow as tf

        used = tf.Module()
        functions = [endpoint.function for endpoint in self._endpoints.values()]
        used.state = list({id(v): v for f in functions for v in f.graph.variables}.values())
        used.resources = [
            item
            for item in tf.train.TrackableView(self._module).descendants()
            if isinstance(item, tf.saved_model.experimental.TrackableResource)
        ]
        return used

    def answers(self, signature: SignatureRecord, inputs: Arrays) -> Arrays:
        """What the module's own function answers."""
        endpoint = self._endpoints[signature.name]
        values = tensors(inputs, signature)
        results = endpoint.call([values[name] for name in endpoint.names])
        return {spec.name: np.asarray(results[spec.name]) for spec in signature.outputs}

    def fingerprint(self) -> str:
        """SHA-256 of the functions' graphs' operators and of the variables."""
        digest = hashlib.sha256(type(self._module).__qualname__.encode())
        for name, endpoint in self._endpoints.items():
            function = endpoint.function
            digest.update(f"{name}{function.structured_input_signature}".encode())
            digest.update(" ".join(op.type for op in function.graph.get_operations()).encode())
            for variable in function.graph.variables:
                digest.update(f"{variable.shape}{variable.dtype.name}".encode())
                digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
        return digest.hexdigest()


def _functions_of(module: Any) -> dict[str, Any]:
    """Concrete functions by signature name, the default first."""
    found = {}
    for name in sorted(set(dir(type(module))) | set(vars(module)), key=natural):
        if name.startswith("_") and name != "__call__":
            continue
        if isinstance(inspect.getattr_static(module, name, None), property):
            continue
        attribute = getattr(module, name, None)
        if hasattr(attribute, "get_concrete_function"):
            function = _traced(name, attribute)
            if function is not None:
                found[name] = function
    if not found:
        raise InvalidArgumentError(
            f"model: the tf.Module {type(module).__name__} has no tf.function with known inputs; "
            + _HINT
        )
    if "__call__" in found:
        found = {DEFAULT_SIGNATURE: found.pop("__call__")} | found
    elif len(found) == 1:
        found = {DEFAULT_SIGNATURE: next(iter(found.values()))}
    return found


def _traced(name: str, function: Any) -> Any:
    """The function for its declared inputs, or for the only ones it was called with."""
    if getattr(function, "input_signature", None) is not None:
        return function.get_concrete_function()
    listed: list[Any] = getattr(function, "_list_all_concrete_functions_for_serialization", list)()
    if len(listed) > 1:
        raise InvalidArgumentError(
            f"model: the tf.function '{name}' was called with {len(listed)} kinds of inputs; "
            + _HINT
        )
    return listed[0] if listed else None
