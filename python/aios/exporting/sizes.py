"""Inner sizes that a model leaves open: those an export prepares for, and samples of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from aios.bundle.comparison import Array, Arrays
from aios.bundle.manifest import SignatureRecord, TensorRecord, Tolerance
from aios.bundle.ranges import InputRanges
from aios.errors import InvalidArgumentError
from aios.exporting import golden
from aios.exporting.asking import Answers
from aios.exporting.golden import GoldenSet
from aios.exporting.samples import Samples

#: The open inner sizes of a signature's inputs, by name, each in the order of its dimensions.
Sizes = dict[str, tuple[int, ...]]

#: Samples that are asked at each further size.
_SAMPLES = 8


def open_axes(spec: TensorRecord) -> tuple[int, ...]:
    """The dimensions of an input, but for the first, whose size isn't known."""
    return tuple(axis for axis, size in enumerate(spec.shape) if axis > 0 and size == -1)


def sizes_of(signature: SignatureRecord, arrays: Arrays) -> Sizes:
    """The open inner sizes of samples, whose axis 0 counts calls; empty where none is open."""
    return {
        spec.name: tuple(arrays[spec.name].shape[axis + 1] for axis in axes)
        for spec in signature.inputs
        if (axes := open_axes(spec))
    }


def prepared(golden: GoldenSet) -> list[Sizes]:
    """The sizes that artifacts are made for, the samples' own first; one empty set for no open."""
    sets = (golden, *(other for other in golden.others if other.prepared))
    return [sizes_of(item.signature, item.inputs) for item in sets]


def checked(signatures: Iterable[SignatureRecord], wanted: object) -> dict[str, list[Sizes]]:
    """What `sizes=` of an export asks for, by signature.

    Args:
        signatures: Those of the model.
        wanted: By input, the sizes to prepare for: each a tuple of its open inner sizes, or a
            number where it has one. Several inputs have as many, which belong together. None
            prepares for the samples' own.

    Raises:
        InvalidArgumentError: An input that isn't there or has no open size, or a wrong form.
    """
    if wanted is None:
        return {}
    if not isinstance(wanted, Mapping) or not wanted:
        raise InvalidArgumentError(
            f"sizes: expected a dict by input, as {{'x': [(16,), (64,)]}}, got {wanted!r}"
        )
    found = {}
    known: set[str] = set()
    for signature in signatures:
        specs = {spec.name: spec for spec in signature.inputs if open_axes(spec)}
        known |= specs.keys()
        given = {name: list(_listed(name, wanted[name])) for name in specs if name in wanted}
        if given:
            found[signature.name] = _together(specs, given)
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise InvalidArgumentError(
            f"sizes: no input {unknown[0]!r} with an open inner size; the model has {sorted(known)}"
        )
    return found


def others(
    answers: Answers,
    signature: SignatureRecord,
    samples: Samples,
    wanted: Sequence[Sizes],
    *,
    tolerance: Tolerance,
    asked: InputRanges,
) -> tuple[GoldenSet, ...]:
    """Golden samples at other sizes than the samples' own: the wanted ones, then two to prove by.

    What is proved by is half and one and a half times the samples' size, where the model takes it:
    an artifact that isn't made for one size must be right at those.

    Raises:
        InvalidArgumentError: The model raises at a wanted size.
    """
    collected = partial(_collected, answers, signature, samples, tolerance=tolerance, asked=asked)
    own = sizes_of(signature, samples.arrays)
    known = [own]
    sets = []
    for sizes in wanted:
        if sizes in known:
            continue
        known.append(sizes)
        try:
            sets.append(collected(sizes))
        except Exception as error:
            raise InvalidArgumentError(f"sizes: the model raises at {sizes}: {error}") from error
    for numerator in (1, 3) if own else ():
        sizes = {
            name: tuple(-(-numerator * size // 2) for size in given) for name, given in own.items()
        }
        if sizes in known:
            continue
        known.append(sizes)
        try:
            probe = collected(sizes)
        except Exception:  # The model may raise anything at a size that it doesn't take.
            continue
        sets.append(replace(probe, prepared=False))
    return tuple(sets)


def _collected(
    answers: Answers,
    signature: SignatureRecord,
    samples: Samples,
    sizes: Sizes,
    *,
    tolerance: Tolerance,
    asked: InputRanges,
) -> GoldenSet:
    """Samples cut or repeated to these sizes, zeros and denormals, with the model's answers."""
    arrays = {
        spec.name: _resized(samples.arrays[spec.name][:_SAMPLES], spec, sizes)
        for spec in signature.inputs
    }
    found = golden.collect(answers, signature, Samples(arrays, drawn=True), tolerance, asked)
    near = {name: array[: found.in_range] for name, array in found.inputs.items()}
    references = {name: array[: found.in_range] for name, array in found.outputs.items()}
    return replace(found, inputs=near, outputs=references, probe_inputs={}, probe_outputs={})


def _resized(array: Array, spec: TensorRecord, sizes: Sizes) -> Array:
    for axis, size in zip(open_axes(spec), sizes.get(spec.name, ()), strict=True):
        array = np.take(array, np.arange(size) % array.shape[axis + 1], axis=axis + 1)
    return array


def _listed(name: str, sizes: object) -> Iterable[tuple[int, ...]]:
    items = sizes if isinstance(sizes, Sequence) and not isinstance(sizes, str) else ()
    if not items:
        raise InvalidArgumentError(
            f"sizes of input {name!r}: expected a list, as [(16,), (64,)], got {sizes!r}"
        )
    for item in items:
        numbers = tuple(item) if isinstance(item, Sequence) else (item,)
        if not all(isinstance(n, int | np.integer) and n > 0 for n in numbers):
            raise InvalidArgumentError(
                f"sizes of input {name!r}: expected positive whole numbers, got {item!r}"
            )
        yield tuple(int(n) for n in numbers)


def _together(
    specs: Mapping[str, TensorRecord], given: Mapping[str, list[tuple[int, ...]]]
) -> list[Sizes]:
    for name, spec in specs.items():
        count = len(open_axes(spec))
        for sizes in given.get(name, [()]):
            if len(sizes) != count:
                raise InvalidArgumentError(
                    f"sizes of input {name!r}: its shape {list(spec.shape)} leaves {count} open, "
                    f"got {sizes!r}; name them all, of every such input"
                )
    counts = {name: len(sizes) for name, sizes in given.items()}
    if len(set(counts.values())) != 1:
        raise InvalidArgumentError(
            f"sizes: expected as many of every input, which belong together, got {counts}"
        )
    rows = zip(*(given[name] for name in specs), strict=True)
    return [dict(zip(specs, row, strict=True)) for row in rows]
