"""Training data in memory: checked arrays, and the order in which epochs read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from aios.errors import InvalidArgumentError

Array = npt.NDArray[Any]
#: One array, a tuple of them in the order of the model's inputs or outputs, or a dict by name.
Tree = Any


@dataclass(frozen=True, slots=True)
class ArrayFeed:
    """Inputs, targets and weights of `count` samples; axis 0 of every array counts them."""

    x: Tree
    y: Tree
    weight: Array | None
    count: int

    @property
    def batches_per_epoch(self) -> int | None:
        """Not known before the batch size is; see `shuffled`."""
        return None

    def targets(self) -> Tree:
        """All targets: what the loss is chosen by."""
        return self.y

    def inputs(self, count: int) -> Tree:
        """The first `count` samples' inputs."""
        return keras.tree.map_structure(lambda array: array[:count], self.x)

    def as_keras(self) -> tuple[Any, ...]:
        """What Keras takes as validation data."""
        return (self.x, self.y) if self.weight is None else (self.x, self.y, self.weight)

    def shuffled(
        self, batch_size: int, seed: int, epochs: range, *, keep_order: bool = False
    ) -> tuple[Any, int]:
        """A dataset of the batches of all `epochs`, one after another, and the number per epoch.

        An epoch's order depends on nothing but `seed` and the epoch, so that a resumed training
        sees what an uninterrupted one would have seen.

        Args:
            batch_size: Samples per batch; an epoch's last one may have fewer.
            seed: What the order is drawn from.
            epochs: The epochs, counted from 0.
            keep_order: Leave the samples in their order.
        """
        import tensorflow as tf

        steps = -(-self.count // batch_size)
        tensors = tf.nest.map_structure(tf.convert_to_tensor, self.as_keras())

        def indices(epoch: Any) -> Any:
            order = tf.range(self.count, dtype=tf.int64)
            if not keep_order:
                key = tf.stack([tf.constant(seed, tf.int64), epoch])
                order = tf.random.experimental.stateless_shuffle(order, key)
            return tf.data.Dataset.range(steps).map(
                lambda step: order[step * batch_size : (step + 1) * batch_size]
            )

        def batch(index: Any) -> Any:
            return tf.nest.map_structure(lambda tensor: tf.gather(tensor, index), tensors)

        numbers = tf.data.Dataset.range(epochs.start, epochs.stop)
        return numbers.flat_map(indices).map(batch).prefetch(2), steps


def array_feed(
    names: tuple[str, str],
    x: object,
    y: object,
    model: Any,
    *,
    weight: object = None,
    class_weight: object = None,
) -> ArrayFeed:
    """Checks arrays against each other and the model.

    Args:
        names: What the caller calls the inputs and the targets, for errors.
        x: An array, a list or tuple in the order of the model's inputs, or a dict by name.
        y: The same for the outputs.
        model: The Keras model.
        weight: One weight per sample, or None.
        class_weight: A weight by class number, "balanced", or None.

    Raises:
        InvalidArgumentError: They don't fit each other or the model.
    """
    x_name, y_name = names
    if x is None or y is None:
        raise InvalidArgumentError(
            f"{x_name if x is None else y_name}: expected an array, got None; None is for a "
            "dataset or a generator, which yields the targets too"
        )
    inputs = _tree(x_name, x, _count_of(model, "inputs"))
    targets = _tree(y_name, y, _count_of(model, "outputs"))
    _require_numbers(y_name, targets, model)
    count = _agreed_count((x_name, inputs), (y_name, targets))
    _require_inputs_fit(x_name, inputs, model)
    weights = _sample_weights(weight, count)
    if class_weight is not None:
        by_class = _class_weights(class_weight, targets)
        weights = by_class if weights is None else weights * by_class
    return ArrayFeed(inputs, targets, weights, count)


def _count_of(model: Any, role: str) -> int | None:
    """How many inputs or outputs a model has; None where it doesn't say."""
    tensors = getattr(model, role, None)
    return len(tensors) if isinstance(tensors, (list, tuple)) and tensors else None


def _tree(name: str, value: object, count: int | None) -> Tree:
    if isinstance(value, Mapping):
        if not value:
            raise InvalidArgumentError(f"{name}: expected arrays by name, got an empty dict")
        return {key: _array(f"{name}[{key!r}]", entry) for key, entry in value.items()}
    several = isinstance(value, (list, tuple)) and (
        len(value) == count
        if count is not None and count > 1
        else count is None and all(getattr(entry, "ndim", 0) > 0 for entry in value)
    )
    if several and isinstance(value, (list, tuple)) and value:
        return tuple(_array(f"{name}[{i}]", entry) for i, entry in enumerate(value))
    if count is not None and count > 1:
        raise InvalidArgumentError(
            f"{name}: the model has {count} of them; pass a list of {count} arrays or a dict by "
            f"name, got {type(value).__name__}"
        )
    return _array(name, value)


def _array(name: str, value: object) -> Array:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InvalidArgumentError(
            f"{name}: expected an array, got {type(value).__name__} ({error}); rows of different "
            "lengths must be padded"
        ) from error
    if array.dtype.kind == "O" and not (array.size and _is_text(array)):
        raise InvalidArgumentError(
            f"{name}: expected numbers, got {type(value).__name__} of Python objects; rows of "
            "different lengths must be padded, and classes be numbers"
        )
    if array.dtype.kind not in "fiubcSUOV":
        raise InvalidArgumentError(
            f"{name}: expected numbers, got {array.dtype}; convert them, as times to seconds"
        )
    if array.ndim == 0:
        raise InvalidArgumentError(
            f"{name}: expected an array whose axis 0 counts samples, got one value ({value!r})"
        )
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise InvalidArgumentError(f"{name}: expected finite numbers, got NaN or infinity")
        if array.dtype == np.float64:
            return array.astype(keras.config.floatx())
    return array


def _agreed_count(*roles: tuple[str, Tree]) -> int:
    shapes = [(name, leaf.shape) for name, tree in roles for leaf in keras.tree.flatten(tree)]
    counts = {shape[0] for _, shape in shapes}
    if len(counts) != 1 or counts == {0}:
        listed = ", ".join(f"{name} {list(shape)}" for name, shape in shapes)
        raise InvalidArgumentError(
            f"{' and '.join(name for name, _ in roles)}: expected the same number of samples, 1 or "
            f"more, got {listed}"
        )
    return int(counts.pop())


def _require_inputs_fit(name: str, inputs: Tree, model: Any) -> None:
    specs = getattr(model, "inputs", None)
    if not specs:
        return
    if isinstance(inputs, dict):
        structure = getattr(model, "_inputs_struct", None)
        by_name = structure if isinstance(structure, dict) else {s.name: s for s in specs}
        if set(by_name) != set(inputs):
            raise InvalidArgumentError(
                f"{name}: the data doesn't fit the model: expected a dict with {list(by_name)}, "
                f"got {list(inputs)}"
            )
        pairs = [(by_name[key], inputs[key]) for key in by_name]
    else:
        leaves = inputs if isinstance(inputs, tuple) else (inputs,)
        pairs = list(zip(specs, leaves, strict=True))
    for spec, array in pairs:
        _require_fits(name, spec, array)


def _require_fits(name: str, spec: Any, array: Array) -> None:
    expected = tuple(spec.shape)[1:]
    got = array.shape[1:]
    # Keras adds a last axis of 1 by itself.
    if len(expected) == len(got) + 1 and expected[-1] == 1:
        got = (*got, 1)
    fits = len(expected) == len(got) and all(
        want in (None, size) for want, size in zip(expected, got, strict=True)
    )
    if not fits:
        shape = ",".join("any" if size is None else str(size) for size in expected)
        raise InvalidArgumentError(
            f"{name}: the data doesn't fit the model: input '{spec.name}' expects "
            f"{spec.dtype}[N,{shape}], got {array.dtype}{list(array.shape)}"
        )
    if (array.dtype.kind in "SUO") != (spec.dtype == "string"):
        raise InvalidArgumentError(
            f"{name}: the data doesn't fit the model: input '{spec.name}' expects {spec.dtype}, "
            f"got {array.dtype}"
        )


def _require_numbers(name: str, targets: Tree, model: Any) -> None:
    """Targets are compared with numbers, whatever the model was compiled with."""
    if any(getattr(output, "dtype", "") == "string" for output in getattr(model, "outputs", ())):
        return
    for array in keras.tree.flatten(targets):
        if array.dtype.kind in "SUO":
            shown = ", ".join(repr(entry) for entry in array.ravel()[:2].tolist())
            raise InvalidArgumentError(
                f"{name}: expected numbers, got text ({shown}, …); number the classes: "
                f"classes, numbers = np.unique({name}, return_inverse=True)"
            )


def _sample_weights(weight: object, count: int) -> Array | None:
    if weight is None:
        return None
    weights = _array("sample_weight", weight)
    if weights.shape != (count,) or weights.dtype.kind not in "fiub" or (weights < 0).any():
        raise InvalidArgumentError(
            f"sample_weight: expected {count} numbers of 0 or more, one per sample, got "
            f"{weights.dtype}{list(weights.shape)}"
        )
    if not weights.any():
        raise InvalidArgumentError("sample_weight: expected at least one over 0, got zeros only")
    return weights.astype(np.float32)


def _class_weights(class_weight: object, y: Tree) -> Array:
    """Each sample's weight by its class."""
    if not isinstance(y, np.ndarray):
        raise InvalidArgumentError(
            "class_weight: the model has several outputs; weigh the samples with sample_weight"
        )
    classes = _classes(y)
    present, counts = np.unique(classes, return_counts=True)
    if class_weight == "balanced":
        weights = len(classes) / (len(present) * counts)
        by_class = dict(zip(present.tolist(), weights.tolist(), strict=True))
    elif isinstance(class_weight, Mapping):
        by_class = {key: _class_weight(key, value) for key, value in class_weight.items()}
    else:
        raise InvalidArgumentError(
            "class_weight: expected weights by class number, as {0: 1.0, 1: 5.0}, or 'balanced', "
            f"got {class_weight!r}"
        )
    unknown = sorted(set(by_class) - set(present.tolist()))
    if unknown:
        raise InvalidArgumentError(
            f"class_weight: no sample is of class {unknown}; the targets have {present.tolist()}"
        )
    return np.asarray([by_class.get(one, 1.0) for one in classes.tolist()], np.float32)


def _class_weight(key: object, value: object) -> float:
    if isinstance(value, (int, float)) and value >= 0 and np.isfinite(value):
        return float(value)
    raise InvalidArgumentError(
        f"class_weight: expected a number of 0 or more for class {key!r}, as 2.0, got {value!r}"
    )


def _classes(y: Array) -> Array:
    if y.ndim == 2 and y.shape[1] > 1:
        return np.asarray(y.argmax(axis=1))
    flat = y.reshape(-1)
    if flat.shape[0] != y.shape[0] or (flat.dtype.kind == "f" and (flat != flat.round()).any()):
        raise InvalidArgumentError(
            f"class_weight: expected one class per sample, got targets {y.dtype}{list(y.shape)}"
        )
    return flat.astype(np.int64)


def concatenated(batches: list[Tree], count: int) -> Tree | None:
    """The first `count` samples of batches of inputs; None if they can't be put together."""
    if not batches:
        return None
    try:
        leaves = [[np.asarray(leaf) for leaf in keras.tree.flatten(batch)] for batch in batches]
        joined = [np.concatenate(parts)[:count] for parts in zip(*leaves, strict=True)]
    except (TypeError, ValueError):
        return None
    if any(array.dtype.kind == "O" and not _is_text(array) for array in joined):
        return None
    return keras.tree.pack_sequence_as(batches[0], joined)


def _is_text(array: Array) -> bool:
    return all(isinstance(entry, (bytes, str)) for entry in array.ravel().tolist())
