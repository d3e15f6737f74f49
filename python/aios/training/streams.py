"""Training data that comes in batches: tf.data, Keras PyDataset, Torch loaders, generators."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np

from aios.errors import InvalidArgumentError
from aios.training.arrays import Tree, concatenated

Batch = tuple[Any, ...]

_KEPT_SAMPLES = 64


class StreamFeed:
    """A source of (inputs, targets) or (inputs, targets, weights) batches.

    Args:
        name: What the caller calls it, for errors.
        source: A tf.data.Dataset, a keras.utils.PyDataset, a Torch DataLoader, a generator or
            other iterator, or a function without arguments that returns one.
        steps: Batches per epoch; None for all that there are.

    Raises:
        InvalidArgumentError: It yields something else, nothing, or no end without `steps`.
    """

    def __init__(self, name: str, source: Any, steps: int | None) -> None:
        self._name = name
        self.batches_per_epoch = steps
        self._kept: list[Tree] = []
        self._iterator: CountedBatches | None = None
        if callable(source) and not isinstance(source, keras.utils.PyDataset):
            source = _dataset_of(name, source)
        elif isinstance(source, Iterator):
            if steps is None:
                raise InvalidArgumentError(
                    f"{name}: a generator can be read only once, so the batches of one epoch must "
                    "be known: pass steps_per_epoch=… (validation_steps=… for x_val), or the "
                    "generator function itself instead of a call of it"
                )
            self._iterator = CountedBatches(name, source)
        self._source = source
        self._first = self._peek()
        _require_batched(name, self._source, steps)

    @property
    def failure(self) -> Exception | None:
        """What stopped a generator, which TensorFlow would report as its own error."""
        return self._iterator.failure if self._iterator is not None else None

    def targets(self) -> Tree:
        """The first batch's targets."""
        return keras.tree.map_structure(np.asarray, self._first[1])

    def inputs(self, count: int) -> Tree | None:
        """The first `count` samples' inputs; None if they aren't plain arrays."""
        if self._iterator is not None:
            return concatenated(self._iterator.seen, count)
        seen, batches = 0, []
        for batch in self._batches():
            batches.append(batch[0])
            seen += len(keras.tree.flatten(batch[0])[0])
            if seen >= count:
                break
        return concatenated(batches, count)

    def for_fit(self, epochs: int) -> Any:
        """What Keras reads; `epochs` is how many it will ask for."""
        if self._iterator is None:
            return self._source
        self._iterator.expect(epochs * (self.batches_per_epoch or 0))
        return iter(self._iterator)

    def as_keras(self) -> Any:
        """What Keras takes as validation data."""
        return self.for_fit(0)

    @property
    def can_be_read_again(self) -> bool:
        """Whether it can be evaluated after it was trained on."""
        return self._iterator is None

    def _peek(self) -> Batch:
        if self._iterator is not None:
            return self._iterator.first
        batch = next(iter(self._batches()), None)
        if batch is None:
            raise InvalidArgumentError(f"{self._name}: expected batches, got an empty dataset")
        return require_batch(self._name, batch)

    def _batches(self) -> Iterable[Batch]:
        if isinstance(self._source, keras.utils.PyDataset):
            count = self._source.num_batches
            numbers = itertools.count() if count is None else range(count)
            return (self._source[i] for i in numbers)
        if _is_tf_dataset(self._source):
            return (keras.tree.map_structure(_numpy, batch) for batch in self._source)
        batches: Iterable[Batch] = self._source
        return batches


class CountedBatches:
    """An iterator that is peeked at, remembers the first samples, and says when it ran dry."""

    def __init__(self, name: str, batches: Iterator[Any]) -> None:
        self._name = name
        self._batches = batches
        self._wanted = 0
        self.seen: list[Tree] = []
        self.failure: Exception | None = None
        first = next(batches, None)
        if first is None:
            raise InvalidArgumentError(f"{name}: expected batches, got an empty generator")
        self.first = require_batch(name, first)
        self._remember(self.first)

    def expect(self, batches: int) -> None:
        """Sets how many batches training needs."""
        self._wanted = batches

    def __iter__(self) -> Iterator[Batch]:
        given = 0
        try:
            given += 1
            yield self.first
            for batch in self._batches:
                checked = require_batch(self._name, batch)
                self._remember(checked)
                given += 1
                yield checked
            if given < self._wanted:
                raise InvalidArgumentError(
                    f"{self._name}: expected {self._wanted} batches for all epochs, but the "
                    f"generator ended after {given}; pass a smaller steps_per_epoch, or the "
                    "generator function, which is called again for each epoch"
                )
        except Exception as error:
            self.failure = error
            raise

    def _remember(self, batch: Batch) -> None:
        if sum(len(keras.tree.flatten(inputs)[0]) for inputs in self.seen) < _KEPT_SAMPLES:
            self.seen.append(keras.tree.map_structure(np.asarray, batch[0]))


def is_stream(source: object) -> bool:
    """Whether `source` yields batches, rather than being arrays."""
    return (
        isinstance(source, (keras.utils.PyDataset, Iterator))
        or (callable(source) and not hasattr(source, "__array__"))
        or _is_tf_dataset(source)
        or _is_torch_loader(source)
    )


def require_batch(name: str, batch: Any) -> Batch:
    """Checks that a batch is (inputs, targets) or (inputs, targets, weights).

    Raises:
        InvalidArgumentError: It isn't.
    """
    if isinstance(batch, list):
        batch = tuple(batch)
    if not isinstance(batch, tuple) or len(batch) not in (2, 3):
        shown = f"a tuple of {len(batch)}" if isinstance(batch, tuple) else type(batch).__name__
        raise InvalidArgumentError(
            f"{name}: expected batches of (inputs, targets) or (inputs, targets, weights), got "
            f"{shown}"
        )
    leaves = [np.shape(leaf) for leaf in keras.tree.flatten(batch)]
    if any(not shape for shape in leaves) or len({shape[0] for shape in leaves}) != 1:
        raise InvalidArgumentError(
            f"{name}: expected batches whose axis 0 counts the same samples everywhere, got "
            f"{[list(shape) for shape in leaves]}; batch it, as dataset.batch(32)"
        )
    return batch


def _require_batched(name: str, source: Any, steps: int | None) -> None:
    if not _is_tf_dataset(source):
        return
    if steps is None and int(source.cardinality()) == -1:
        raise InvalidArgumentError(
            f"{name}: the dataset has no end; pass steps_per_epoch=… (validation_steps=… for x_val)"
        )


def _dataset_of(name: str, function: Callable[[], Any]) -> Any:
    """A dataset that calls the function again for each epoch."""
    import tensorflow as tf

    def batches() -> Iterator[Batch]:
        made = function()
        if not isinstance(made, Iterable):
            raise InvalidArgumentError(
                f"{name}: expected a function that returns batches, got {type(made).__name__}"
            )
        return (keras.tree.map_structure(np.asarray, require_batch(name, batch)) for batch in made)

    seen = list(itertools.islice(batches(), 2))
    if not seen:
        raise InvalidArgumentError(f"{name}: expected batches, got an empty generator")
    signature = keras.tree.map_structure(_spec, seen[0], seen[-1])
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(2)


def _spec(first: Any, second: Any) -> Any:
    """Any batch size, and any inner size in which two batches differ."""
    import tensorflow as tf

    sizes = zip(first.shape[1:], second.shape[1:], strict=True)
    inner = [size if size == other else None for size, other in sizes]
    return tf.TensorSpec([None, *inner], tf.as_dtype(first.dtype))


def _is_tf_dataset(source: object) -> bool:
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(source, tensorflow.data.Dataset)


def _is_torch_loader(source: object) -> bool:
    return any(
        kind.__module__.startswith("torch.utils.data") for kind in type(source).__mro__
    ) and hasattr(source, "__iter__")


def _numpy(tensor: Any) -> Any:
    return tensor.numpy() if hasattr(tensor, "numpy") else tensor
