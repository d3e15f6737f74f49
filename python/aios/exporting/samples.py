"""Samples to ask a model: the caller's, or drawn ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aios.bundle.comparison import Array, Arrays
from aios.bundle.dtypes import STRING, can_cast, is_float, numpy_dtype
from aios.bundle.manifest import SignatureRecord, TensorRecord
from aios.bundle.ranges import InputRanges
from aios.errors import InvalidArgumentError
from aios.exporting import strings
from aios.exporting.edges import draw_floats

DRAWN_SAMPLES = 32
MAX_SAMPLES = 64
#: Drawn where a model's own words aren't known.
WORDS = ("", "a", "b", "cat", "dog", "the", "Zürich", "0", "hello world", "[UNK]")
_SEED = 20240229


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs by name; axis 0 counts calls, the rest is the shape of one call of batch 1."""

    arrays: Arrays
    drawn: bool

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(next(iter(self.arrays.values()))) if self.arrays else 1


def is_batched(spec: TensorRecord) -> bool:
    """Whether dimension 0 counts samples."""
    return bool(spec.shape) and spec.shape[0] == -1


def is_stackable(signature: SignatureRecord) -> bool:
    """Whether dimension 0 of every input and output counts samples."""
    return bool(signature.inputs) and all(map(is_batched, signature.inputs + signature.outputs))


def given(signature: SignatureRecord, samples: object) -> Samples:
    """The caller's samples, checked against the signature; the first 64 are taken.

    Args:
        signature: What they must fit.
        samples: An array (one input), a dict by name, or a list in the signature's order; axis 0
            counts samples. Where an input's dimension 0 is fixed, axis 0 counts calls, or rows to
            be put together into calls.

    Raises:
        InvalidArgumentError: They don't fit; the message names the input.
    """
    values = _by_name(signature, samples)
    arrays = {spec.name: _fitting(spec, values[spec.name]) for spec in signature.inputs}
    counts = {len(array) for array in arrays.values()}
    if len(counts) != 1 or counts == {0}:
        raise InvalidArgumentError(
            f"samples: expected the same number, 1 or more, for every input, got {sorted(counts)}"
        )
    return Samples(arrays, drawn=False)


def drawn(
    signature: SignatureRecord, words: Sequence[str] = (), asked: InputRanges | None = None
) -> Samples:
    """Samples from a fixed seed: floats are N(0,1), integers 0 and 1, strings from `words`.

    Floats keep to the ranges in `asked`.

    Raises:
        InvalidArgumentError: An inner size isn't known, so that none can be drawn.
    """
    generator = np.random.default_rng(_SEED)
    arrays = {}
    for spec in signature.inputs:
        sizes = _call_shape(spec)
        if -1 in sizes:
            raise InvalidArgumentError(
                f"samples: input '{spec.name}' has the shape {list(spec.shape)}, whose inner size "
                "isn't known; pass samples=…, for example samples=x_val[:64]"
            )
        shape = (DRAWN_SAMPLES, *sizes)
        if is_float(numpy_dtype(spec.dtype)):
            values = draw_floats(generator, shape, (asked or {}).get(spec.name))
            arrays[spec.name] = values.astype(numpy_dtype(spec.dtype))
        else:
            arrays[spec.name] = _draw(generator, spec, shape, words or WORDS)
    return Samples(arrays, drawn=True)


def _by_name(signature: SignatureRecord, samples: object) -> dict[str, Any]:
    specs = signature.inputs
    names = [spec.name for spec in specs]
    samples = _columns(samples, len(specs))
    if isinstance(samples, Mapping):
        if set(samples) != set(names):
            raise InvalidArgumentError(
                f"samples: expected a dict with {names}, got {list(samples)}"
            )
        return dict(samples)
    if len(specs) == 1:
        return {names[0]: samples}
    if isinstance(samples, (list, tuple)) and len(samples) == len(specs):
        return dict(zip(names, samples, strict=True))
    raise InvalidArgumentError(
        f"samples: the model has {len(specs)} inputs; pass a dict with {names}"
    )


def _columns(samples: Any, inputs: int) -> Any:
    """The columns by name of a structured array, or of a data frame for several inputs."""
    names = getattr(getattr(samples, "dtype", None), "names", None)
    if names is None and inputs > 1 and hasattr(samples, "columns"):
        names = tuple(samples.columns)
    return samples if names is None else {name: np.asarray(samples[name]) for name in names}


def _call_shape(spec: TensorRecord) -> tuple[int, ...]:
    return (1, *spec.shape[1:]) if is_batched(spec) else spec.shape


def _fitting(spec: TensorRecord, value: object) -> Array:
    array = _array(spec, value)
    if array.ndim == 1 and spec.shape == (-1, 1):
        array = array[:, np.newaxis]
    call = _call_shape(spec)
    calls = array
    if is_batched(spec):
        calls = array[:, np.newaxis] if array.ndim else array
    elif spec.shape and array.ndim == len(spec.shape) and len(array) % spec.shape[0] == 0:
        calls = array.reshape(-1, *spec.shape[:1], *array.shape[1:])
    fits = calls.ndim == len(call) + 1 and all(
        want in (-1, size) for want, size in zip(call, calls.shape[1:], strict=True)
    )
    numeric = spec.dtype == STRING or can_cast(array.dtype, spec.dtype)
    if not fits or not numeric:
        raise InvalidArgumentError(
            f"samples for input '{spec.name}': expected {spec.dtype}[N,"
            f"{','.join(map(str, spec.shape[1:] if is_batched(spec) else spec.shape))}], "
            f"got {array.dtype}{list(array.shape)}"
        )
    kept = calls[:MAX_SAMPLES]
    return kept if spec.dtype == STRING else _cast(spec, kept)


def _cast(spec: TensorRecord, array: Array) -> Array:
    with np.errstate(over="ignore"):
        # In C order and this machine's byte order, whatever the caller's layout is.
        cast = np.array(array, numpy_dtype(spec.dtype), order="C")
    if np.issubdtype(array.dtype, np.integer) and not np.array_equal(cast, array):
        raise InvalidArgumentError(
            f"samples for input '{spec.name}': values of {array.dtype} from {array.min()} to "
            f"{array.max()} don't fit {spec.dtype}; pass values in its range"
        )
    return cast


def _array(spec: TensorRecord, value: object) -> Array:
    try:
        if spec.dtype == STRING:
            return strings.to_bytes(value.numpy() if hasattr(value, "numpy") else value)
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"samples for input '{spec.name}': expected an array of {spec.dtype}: {error}"
        ) from error


def _draw(
    generator: np.random.Generator,
    spec: TensorRecord,
    shape: tuple[int, ...],
    words: Sequence[str],
) -> Array:
    if spec.dtype == STRING:
        chosen = generator.integers(0, len(words), shape)
        return strings.to_bytes(np.array(words, dtype=object)[chosen])
    return generator.integers(0, 2, shape).astype(spec.dtype)
