"""Precisions that artifacts are calculated in, and how far each may be off."""

from __future__ import annotations

from typing import Final

from aios.bundle.manifest import Tolerance
from aios.errors import InvalidArgumentError

FLOAT32: Final = "float32"

#: Two units in the last place below float32, because both of a product's factors are rounded: of
#: float16's 11 bits, of bfloat16's 8 bits, of int8's 127 steps. A unit is relative to the weights'
#: and the layers' largest magnitudes, so it is allowed of the tensor's largest and of the element.
#: Seen on 16 kinds of layers: float16 up to 4e-4, int8 up to 4e-3, bfloat16 up to 1e-2.
TOLERANCES: Final = {
    FLOAT32: Tolerance(),
    "float16": Tolerance(2e-3, 2e-3),
    "bfloat16": Tolerance(1.6e-2, 1.6e-2),
    "int8": Tolerance(1.6e-2, 1.6e-2),
}
_SHORT: Final = {"fp32": FLOAT32, "fp16": "float16", "bf16": "bfloat16"}


def precision_name(argument: str, name: object) -> str:
    """The precision's full name, as "bfloat16" for "bf16".

    Raises:
        InvalidArgumentError: An unknown one; the message names the argument.
    """
    full = _SHORT.get(name, name) if isinstance(name, str) else name
    if not isinstance(full, str) or full not in TOLERANCES:
        raise InvalidArgumentError(
            f"{argument}: expected any of {', '.join(TOLERANCES)}, got {name!r}"
        )
    return full
