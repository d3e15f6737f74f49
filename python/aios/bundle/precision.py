"""Precisions that artifacts are calculated in, and how far each may be off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aios.bundle.manifest import Tolerance
from aios.errors import InvalidArgumentError

FLOAT32: Final = "float32"

#: Below float32: units in the last place of what is rounded, relative to the largest magnitude of a
#: tensor: 2**-10 for float16, 2**-7 for bfloat16, 1/127 for int8. A layer adds about one, for its
#: weights and its inputs, and a softmax multiplies what came before by up to a quarter of its
#: largest score. So 4 are allowed, and 8 to int8, whose unit is also that of small magnitudes.
TOLERANCES: Final = {
    FLOAT32: Tolerance(),
    "float16": Tolerance(4e-3, 4e-3),
    "bfloat16": Tolerance(3.1e-2, 3.1e-2),
    "int8": Tolerance(6.3e-2, 6.3e-2),
}
#: How exact a model's own answers are, by the coarsest float type that it calculates in. float64's
#: is float32's in kind: units in the last place, with room for the order of long sums.
_OWN: Final = {
    "float64": Tolerance(1e-12, 1e-10),
    FLOAT32: TOLERANCES[FLOAT32],
    "float16": TOLERANCES["float16"],
    "bfloat16": TOLERANCES["bfloat16"],
}
#: Float types, the most precise first.
FLOATS: Final = tuple(_OWN)
SHORT_NAMES: Final = {"fp32": FLOAT32, "fp16": "float16", "bf16": "bfloat16"}


def own_tolerance(floats: Iterable[str]) -> Tolerance:
    """The default for a model that calculates in, or rounds to, these float types.

    float32's where there is none: integers, bools and strings must be equal anyway.
    """
    found = [FLOATS.index(name) for name in floats if name in FLOATS]
    return _OWN[FLOATS[max(found)]] if found else _OWN[FLOAT32]


def precision_name(argument: str, name: object) -> str:
    """The precision's full name, as "bfloat16" for "bf16".

    Raises:
        InvalidArgumentError: An unknown one; the message names the argument.
    """
    full = SHORT_NAMES.get(name, name) if isinstance(name, str) else name
    if not isinstance(full, str) or full not in TOLERANCES:
        raise InvalidArgumentError(
            f"{argument}: expected any of {', '.join(TOLERANCES)}, got {name!r}"
        )
    return full
