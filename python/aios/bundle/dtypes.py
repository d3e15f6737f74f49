"""Dtypes of tensors by the names that manifests and signatures use, as NumPy has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from aios.errors import NotFoundError

BFLOAT16 = "bfloat16"
STRING = "string"


def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's dtype of a name; objects, of type bytes, for strings.

    Raises:
        NotFoundError: It is bfloat16, which NumPy has from the package ml_dtypes, which isn't here.
    """
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
    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return dtype


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether it is a float of any width; NumPy doesn't count bfloat16 as one."""
    return np.issubdtype(dtype, np.floating) or dtype.name == BFLOAT16


def can_cast(given: np.dtype[Any], name: str) -> bool:
    """Whether an array may be cast to the dtype: at most a float's precision is lost."""
    return np.can_cast(given, numpy_dtype(name), "same_kind")


def float_limits(dtype: npt.DTypeLike) -> Any:
    """As `numpy.finfo`, for bfloat16 too."""
    kind = np.dtype(dtype)
    if kind.name != BFLOAT16:
        return np.finfo(kind)
    import ml_dtypes

    limits: Any = ml_dtypes.finfo
    return limits(kind)
