"""How commands show arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from aios.bundle.dtypes import describe
from aios.cli.output import data

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_SHOWN_ELEMENTS = 200


def described(array: Array) -> str:
    """As `float32[4,10]`."""
    return describe(str(array.dtype), array.shape)


def document_of(array: Array, *, with_values: bool) -> dict[str, Any]:
    """An array as JSON; bytes as text."""
    document: dict[str, Any] = {"dtype": str(array.dtype), "shape": list(array.shape)}
    if with_values:
        document["values"] = _listed(array)
    return document


def print_arrays(arrays: Mapping[str, Array]) -> None:
    """Prints arrays by name, long ones shortened."""
    import numpy as np

    for name, array in arrays.items():
        data.print(Text(f"{name} {described(array)}", style="bold"))
        data.print(Text(np.array2string(array, threshold=_SHOWN_ELEMENTS, precision=6)))


def _listed(array: Array) -> Any:
    if array.dtype.kind not in "OS":
        return array.tolist()
    texts = [
        value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        for value in array.ravel().tolist()
    ]
    import numpy as np

    return np.asarray(texts, dtype=object).reshape(array.shape).tolist()
