"""Ranges of input values that artifacts are proved for; the C++ of it is src/bundle/ranges.cpp.

A call lies in ranges if the finite values of its inputs do. Inputs of other types than floats have
no range. Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping

Range = tuple[float, float]
#: By the name of an input.
InputRanges = dict[str, Range]
#: By the name of a signature.
SignatureRanges = dict[str, InputRanges]


def is_further(a: Mapping[str, InputRanges], b: Mapping[str, InputRanges]) -> bool:
    """Whether `a` holds all that `b` holds, of the same inputs, and more."""
    if a == b or a.keys() != b.keys():
        return False
    return all(
        a[signature].keys() == ranges.keys()
        and all(
            a[signature][name][0] <= low and high <= a[signature][name][1]
            for name, (low, high) in ranges.items()
        )
        for signature, ranges in b.items()
    )


def described(ranges: Mapping[str, InputRanges]) -> str:
    """As "x from -3e+02 to 3e+02"."""
    shown = (
        f"{name} from {low:.2g} to {high:.2g}"
        for inputs in ranges.values()
        for name, (low, high) in inputs.items()
    )
    return ", ".join(dict.fromkeys(shown))
