"""A `tf.Module` as a source: each tf.function with one known input signature."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from aios.bundle.comparison import Arrays
from aios.bundle.manifest import SignatureRecord
from aios.bundle.names import plain_names
from aios.errors import InvalidArgumentError
from aios.exporting.reasons import reason_of
from aios.exporting.sources.base import (
    DEFAULT_SIGNATURE,
    Source,
    natural,
    require_different,
    signature_record,
    tensors,
)
from aios.exporting.sources.scopes import any_scope_name

_HINT = "give its tf.function an input_signature=[tf.TensorSpec([None, 10], tf.float32, name='x')]"


class ModuleSource(Source):
    """`__call__`, or the only function, becomes the default signature; others keep their names."""

    kind: ClassVar[str] = "tf_module"

    def __init__(self, module: Any) -> None:
        super().__init__()
        self._module = module
        with any_scope_name():
            self._own = _functions_of(module)

    def save(self, path: Path, samples: object = None) -> None:
        """Writes the module as a SavedModel.

        Raises:
            InvalidArgumentError: TensorFlow can't save it; says why.
        """
        import tensorflow as tf

        del samples
        names = {name: _argument_names(function) for name, function in self._own.items()}
        for given in names.values():
            require_different(given)
        try:
            with any_scope_name():
                signatures = {n: _plainly_named(f, names[n]) for n, f in self._own.items()}
                options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
                tf.saved_model.save(self._module, str(path), signatures=signatures, options=options)
        except (AssertionError, TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"model: TensorFlow can't save this tf.Module: {reason_of(error)}"
            ) from error
        functions = self._open(path)
        self._keys = {name: plain_names(given) for name, given in names.items()}
        self.signatures = tuple(
            signature_record(name, functions[name], given, keys=self._keys[name])
            for name, given in names.items()
        )

    def answers(self, signature: SignatureRecord, inputs: Arrays) -> Arrays:
        """What the module's own function answers."""
        import tensorflow as tf

        function = self._own[signature.name]
        values = tensors(inputs, signature)
        ordered = [values[name] for name in _argument_names(function)]
        args, kwargs = tf.nest.pack_sequence_as(function.structured_input_signature, ordered)
        results = function(*args, **kwargs)
        if not isinstance(results, dict):
            flat = tf.nest.flatten(results)
            results = {f"output_{index}": result for index, result in enumerate(flat)}
        return {spec.name: np.asarray(results[spec.name]) for spec in signature.outputs}

    def fingerprint(self) -> str:
        """SHA-256 of the functions' graphs' operators and of the variables."""
        digest = hashlib.sha256(type(self._module).__qualname__.encode())
        for name, function in self._own.items():
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


def _plainly_named(function: Any, names: list[str]) -> Any:
    """The function, or one around it whose arguments have names that a SavedModel can hold."""
    import tensorflow as tf

    plain = plain_names(names)
    if all(name == key for name, key in plain.items()):
        return function
    structure = function.structured_input_signature
    specs = [
        tf.TensorSpec(spec.shape, spec.dtype, name=key)
        for spec, key in zip(tf.nest.flatten(structure), plain.values(), strict=True)
    ]

    def renamed(*values: Any) -> Any:
        args, kwargs = tf.nest.pack_sequence_as(structure, values)
        return function(*args, **kwargs)

    return tf.function(renamed, input_signature=specs, autograph=False).get_concrete_function()


def _argument_names(function: Any) -> list[str]:
    import tensorflow as tf

    specs = tf.nest.flatten(function.structured_input_signature)
    names = [getattr(spec, "name", None) for spec in specs]
    if None in names:
        raise InvalidArgumentError(
            "model: a tf.function takes an argument that isn't a tensor; " + _HINT
        )
    return [str(name) for name in names]
