"""Golden samples of every signature of a model, from the caller's samples or drawn ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from aios.bundle.coverage import rows_inside
from aios.bundle.manifest import SignatureRecord, Tolerance
from aios.bundle.ranges import InputRanges, SignatureRanges
from aios.errors import InvalidArgumentError
from aios.exporting import golden
from aios.exporting.edges import required_ranges
from aios.exporting.golden import GoldenSet
from aios.exporting.samples import Samples, drawn, given
from aios.exporting.sizes import Sizes, others
from aios.exporting.sources import Source


def gathered(
    source: Source,
    samples: object,
    tolerance: Tolerance,
    asked: SignatureRanges,
    prepared: Mapping[str, Sequence[Sizes]],
) -> list[GoldenSet]:
    """Asks the model for its answers, signature by signature.

    Args:
        source: The model, saved.
        samples: As for `aios.export`.
        tolerance: What answers are told apart by.
        asked: Ranges of input values to prove, of the inputs that the caller named.
        prepared: By signature, the inner sizes that the caller named.

    Raises:
        As aios.exporting.golden.collect; InvalidArgumentError also where a sample doesn't fit its
        input or its range.
    """
    sets = []
    for signature in source.signatures:
        ranges = asked.get(signature.name, {})
        answers = partial(source.answers, signature)
        taken = _samples_of(source, signature, samples, ranges)
        found = golden.collect(answers, signature, taken, tolerance, ranges)
        wanted = prepared.get(signature.name, ())
        sized = others(answers, signature, taken, wanted, tolerance=tolerance, asked=ranges)
        sets.append(replace(found, others=sized))
    return sets


def _samples_of(
    source: Source, signature: SignatureRecord, samples: object, ranges: InputRanges
) -> Samples:
    """The caller's samples of one signature; with several, those that fit it, or drawn ones."""
    names = {item.name for item in source.signatures}
    if len(names) > 1 and isinstance(samples, Mapping) and samples and set(samples) <= names:
        samples = samples.get(signature.name)
    elif samples is not None and signature is not source.signatures[0]:
        try:
            return _given(signature, samples, ranges)
        except InvalidArgumentError:
            samples = None
    if samples is None:
        return drawn(signature, source.words(), ranges)
    return _given(signature, samples, ranges)


def _given(signature: SignatureRecord, samples: object, ranges: InputRanges) -> Samples:
    taken = given(signature, samples)
    held = required_ranges(taken.arrays, ranges)
    for name, bounds in ranges.items():
        outside = np.flatnonzero(~rows_inside(taken.arrays, {name: held[name]}))
        if outside.size:
            raise InvalidArgumentError(
                f"input_range: sample {outside[0]} of input '{name}' has values outside {bounds}; "
                "give the range that holds all values"
            )
    return taken
