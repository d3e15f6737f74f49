"""Dtypes of tensors: the one table of what each is called where, and what NumPy makes of them.

Imports nothing heavy: a manifest is read without NumPy.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aios.errors import NotFoundError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

BFLOAT16 = "bfloat16"
STRING = "string"


class Dtype(NamedTuple):
    """One dtype, by NumPy's name, which manifests and signatures use.

    Attributes:
        name: NumPy's; elements of a "string" are objects of type bytes.
        nbytes: Of an element; of a string, of what stands for it in C++.
        safetensors: The name in golden samples; None where they hold it otherwise.
        compiled: The number in include/aios/compiled_model.h; None for what can't be compiled.
        ctype: The C++ type in compiled code, with compiled.
        tflite: The number in TensorFlow Lite's schema, TensorType; None where it has none of use.
    """

    name: str
    nbytes: int
    safetensors: str | None
    compiled: int | None
    ctype: str
    tflite: int | None


TABLE: Final = (
    Dtype("bool", 1, "BOOL", 5, "bool", 6),
    Dtype("int8", 1, "I8", 6, "std::int8_t", 9),
    Dtype("uint8", 1, "U8", 4, "std::uint8_t", 3),
    Dtype("int16", 2, "I16", 9, "std::int16_t", 7),
    Dtype("uint16", 2, "U16", 10, "std::uint16_t", 16),
    Dtype("int32", 4, "I32", 2, "std::int32_t", 2),
    Dtype("uint32", 4, "U32", 11, "std::uint32_t", 15),
    Dtype("int64", 8, "I64", 3, "std::int64_t", 4),
    Dtype("uint64", 8, "U64", 12, "std::uint64_t", 12),
    Dtype("float16", 2, "F16", 7, "Half", 1),
    Dtype(BFLOAT16, 2, "BF16", 13, "BFloat16", 18),
    Dtype("float32", 4, "F32", 1, "float", 0),
    Dtype("float64", 8, "F64", 8, "double", 10),
    Dtype(STRING, 16, None, None, "", None),
)
#: Every dtype, by name.
DTYPES: Final = {dtype.name: dtype for dtype in TABLE}
#: The C++ type of an element, by name; other dtypes can't be compiled.
CTYPES: Final = {dtype.name: dtype.ctype for dtype in TABLE if dtype.compiled is not None}
#: Floats of 16 bits, which compiled code converts to float32 wherever it computes with them.
HALVES: Final = ("float16", BFLOAT16)


def describe(dtype: str, shape: tuple[int, ...]) -> str:
    """As "float32[-1,10]"."""
    return f"{dtype}[{','.join(map(str, shape))}]"


@cache
def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's dtype of a name; objects, of type bytes, for strings.

    Raises:
        NotFoundError: It is bfloat16, which NumPy has from the package ml_dtypes, which isn't here.
    """
    import numpy as np

    if name == STRING:
        return np.dtype(object)
    return bfloat16() if name == BFLOAT16 else np.dtype(name)


def bfloat16() -> np.dtype[Any]:
    """The dtype of `ml_dtypes.bfloat16`.

    Raises:
        NotFoundError: The package isn't installed.
    """
    try:
        import ml_dtypes
    except ImportError as error:
        raise NotFoundError(
            "NumPy has bfloat16 from the package ml_dtypes, which isn't installed: pip install "
            "ml_dtypes"
        ) from error
    import numpy as np

    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return dtype


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether it is a float of any width; NumPy doesn't count bfloat16 as one."""
    return dtype.kind == "f" or dtype.name == BFLOAT16


def can_cast(given: np.dtype[Any], name: str) -> bool:
    """Whether an array may be cast to the dtype: at most a float's precision is lost."""
    import numpy as np

    return np.can_cast(given, numpy_dtype(name), "same_kind")


def float_limits(dtype: npt.DTypeLike) -> Any:
    """As `numpy.finfo`, for bfloat16 too."""
    import numpy as np

    kind = np.dtype(dtype)
    if kind.name != BFLOAT16:
        return np.finfo(kind)
    import ml_dtypes

    limits: Any = ml_dtypes.finfo
    return limits(kind)
