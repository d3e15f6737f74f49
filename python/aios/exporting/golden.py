"""Golden samples: what the model is asked and what it answered, kept as proof in the bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

from aios.bundle.manifest import SignatureRecord, TensorRecord, Tolerance
from aios.errors import InvalidArgumentError

Array = npt.NDArray[Any]
Arrays = dict[str, Array]

DRAWN_SAMPLES = 32
MAX_SAMPLES = 64
#: Fewer tolerances than this between the answers to different samples prove little.
MIN_DISCRIMINATION = 20.0
_CHUNK = 32
_SEED = 20240229


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """Inputs and reference outputs; axis 0 of every array counts samples, one call of batch 1 each.

    `dropped` samples had answers that aren't finite. `discrimination` is the median, over pairs of
    different samples, of how many tolerances apart their answers are.
    """

    inputs: Arrays
    outputs: Arrays
    dropped: int
    discrimination: float

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(next(iter(self.inputs.values())))

    def save(self, path: Path, signature: SignatureRecord) -> None:
        """Writes the safetensors file that src/bundle/golden.hpp specifies."""
        tensors: Arrays = {}
        for role, specs, arrays in (
            ("inputs", signature.inputs, self.inputs),
            ("outputs", signature.outputs, self.outputs),
        ):
            for spec in specs:
                tensors[f"{signature.name}/{role}/{spec.name}"] = np.ascontiguousarray(
                    _as_calls(arrays[spec.name], spec)
                )
        save_file(tensors, path)


def collect(
    answers: Callable[[Arrays], Arrays],
    signature: SignatureRecord,
    samples: object,
    tolerance: Tolerance,
) -> GoldenSet:
    """Runs the training model on samples and edge cases of them.

    Args:
        answers: The training model: arrays of a batch in, arrays of a batch out, by name.
        signature: The model's signature.
        samples: An array (one input), a dict by name or a list in the signature's order, axis 0
            counting samples; or None to draw them.
        tolerance: What answers are told apart by.

    Raises:
        InvalidArgumentError: Samples that don't fit the signature, or none that can be drawn.
    """
    plain = _drawn(signature) if samples is None else _given(signature, samples)
    inputs = _with_edges(plain)
    outputs = _in_chunks(answers, inputs)
    finite = np.ones(len(next(iter(inputs.values()))), dtype=bool)
    for array in outputs.values():
        if np.issubdtype(array.dtype, np.floating):
            finite &= np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if not finite.any():
        raise InvalidArgumentError(
            "the model's answers to all samples are NaN or infinite; check its weights and samples"
        )
    plain_count = len(next(iter(plain.values())))
    kept = {name: array[finite] for name, array in outputs.items()}
    return GoldenSet(
        inputs={name: array[finite] for name, array in inputs.items()},
        outputs=kept,
        dropped=int((~finite).sum()),
        discrimination=_discrimination(
            {name: array[: finite[:plain_count].sum()] for name, array in kept.items()}, tolerance
        ),
    )


def _given(signature: SignatureRecord, samples: object) -> Arrays:
    specs = signature.inputs
    if isinstance(samples, Mapping):
        missing = [spec.name for spec in specs if spec.name not in samples]
        if missing or len(samples) != len(specs):
            raise InvalidArgumentError(
                f"samples: expected a dict with {[spec.name for spec in specs]}, "
                f"got {list(samples)}"
            )
        values: Sequence[Any] = [samples[spec.name] for spec in specs]
    elif len(specs) == 1:
        values = [samples]
    elif isinstance(samples, (list, tuple)) and len(samples) == len(specs):
        values = samples
    else:
        raise InvalidArgumentError(
            f"samples: the model has {len(specs)} inputs; pass a dict with "
            f"{[spec.name for spec in specs]}"
        )
    arrays = {
        spec.name: _fitting(spec, np.asarray(value)[:MAX_SAMPLES])
        for spec, value in zip(specs, values, strict=True)
    }
    counts = {len(array) for array in arrays.values()}
    if len(counts) != 1 or counts == {0}:
        raise InvalidArgumentError(
            f"samples: expected the same number, 1 or more, for every input, got {sorted(counts)}"
        )
    return arrays


def _fitting(spec: TensorRecord, array: Array) -> Array:
    expected = spec.shape[1:] if _batched(spec) else spec.shape
    got = array.shape[1:]
    fits = len(expected) == len(got) and all(
        want in (-1, size) for want, size in zip(expected, got, strict=True)
    )
    if not fits or not np.can_cast(array.dtype, spec.dtype, "same_kind"):
        raise InvalidArgumentError(
            f"samples for input '{spec.name}': expected {spec.dtype}[N,"
            f"{','.join(map(str, expected))}], got {array.dtype}{list(array.shape)}"
        )
    return array.astype(spec.dtype)


def _drawn(signature: SignatureRecord) -> Arrays:
    generator = np.random.default_rng(_SEED)
    arrays: Arrays = {}
    for spec in signature.inputs:
        sizes = spec.shape[1:] if _batched(spec) else spec.shape
        if -1 in sizes:
            raise InvalidArgumentError(
                f"samples: input '{spec.name}' has the shape {list(spec.shape)}, whose inner size "
                "isn't known; pass samples=…, for example samples=x_val[:64]"
            )
        shape = (DRAWN_SAMPLES, *sizes)
        if np.issubdtype(np.dtype(spec.dtype), np.floating):
            arrays[spec.name] = generator.standard_normal(shape).astype(spec.dtype)
        else:
            arrays[spec.name] = generator.integers(0, 2, shape).astype(spec.dtype)
    return arrays


def _with_edges(plain: Arrays) -> Arrays:
    """Appends zeros, denormals, and the samples' range times ±10 and ±100.

    An integer or bool input, whose values must stay in range, keeps a sample's own values there.
    """
    edges: dict[str, list[Array]] = {name: [] for name in plain}
    for name, array in plain.items():
        first = array[:1]
        if np.issubdtype(array.dtype, np.floating):
            tiny = np.finfo(array.dtype).smallest_subnormal
            edges[name] = [first * 0, np.full_like(first, tiny)]
            edges[name] += [first * np.asarray(k, array.dtype) for k in (10, -10, 100, -100)]
        else:
            edges[name] = [array[i % len(array)][np.newaxis] for i in range(6)]
    return {name: np.concatenate([array, *edges[name]]) for name, array in plain.items()}


def _in_chunks(answers: Callable[[Arrays], Arrays], inputs: Arrays) -> Arrays:
    count = len(next(iter(inputs.values())))
    chunks = [
        answers({name: array[start : start + _CHUNK] for name, array in inputs.items()})
        for start in range(0, count, _CHUNK)
    ]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _discrimination(outputs: Arrays, tolerance: Tolerance) -> float:
    """Median distance, in tolerances, between the answers to neighbouring samples."""
    distances = np.zeros(0)
    for array in outputs.values():
        answers = array.reshape(len(array), -1).astype(np.float64)
        if len(answers) < 2 or answers.shape[1] == 0:
            continue
        reference = answers[:-1]
        scale = np.maximum(1.0, np.abs(reference).max(axis=1, keepdims=True))
        allowed = tolerance.absolute * scale + tolerance.relative * np.abs(reference)
        apart = (np.abs(answers[1:] - reference) / allowed).max(axis=1)
        distances = apart if distances.size == 0 else np.maximum(distances, apart)
    return float(np.median(distances)) if distances.size else 0.0


def _batched(spec: TensorRecord) -> bool:
    return bool(spec.shape) and spec.shape[0] == -1


def _as_calls(array: Array, spec: TensorRecord) -> Array:
    """[N, …] as N calls: a batched tensor gets the batch axis of one sample, [N, 1, …]."""
    return array[:, np.newaxis] if _batched(spec) else array
