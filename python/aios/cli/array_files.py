"""Arrays in files: .npy holds one, .npz several by name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aios.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OverloadedError,
    did_you_mean,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

SUFFIXES = (".npy", ".npz")


def read_arrays(option: str, path: Path) -> Array | dict[str, Array]:
    """Reads a .npy (an array) or a .npz (a dict by name); nothing is unpickled.

    Raises:
        NotFoundError: No such file.
        InvalidArgumentError: Not such a file, or one of Python objects.
    """
    import numpy as np

    if not path.is_file():
        near = [entry.name for suffix in SUFFIXES for entry in path.parent.glob(f"*{suffix}")]
        raise NotFoundError(f"{option}: no file at '{path}'{did_you_mean(path.name, near)}")
    _require_suffix(option, path)
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            arrays = {name: loaded[name] for name in loaded.files}
    except (ValueError, OSError, EOFError, KeyError, MemoryError, ImportError) as error:
        raise InvalidArgumentError(
            f"{option}: '{path}' can't be read as {path.suffix}: {error}; write it with numpy.save "
            "or numpy.savez, numbers only"
        ) from error
    except Exception as error:
        # zipfile and zlib have errors of their own.
        raise InvalidArgumentError(f"{option}: '{path}' is damaged: {error}") from error
    if not arrays:
        raise InvalidArgumentError(f"{option}: '{path}' holds no array")
    return arrays


def write_arrays(option: str, path: Path, arrays: Mapping[str, Array]) -> None:
    """Writes arrays, in one step: the file is the old one or the new one.

    Raises:
        InvalidArgumentError: Several arrays for a .npy, or another suffix.
        FailedPreconditionError: The directory can't be written to.
        OverloadedError: The disk is full.
    """
    import numpy as np

    require_output(option, path, list(arrays))
    try:
        pending = path.with_name(f".{path.stem}.{secrets.token_hex(6)}{path.suffix}")
        try:
            with open(pending, "xb") as file:
                if path.suffix == ".npy":
                    np.save(file, next(iter(arrays.values())), allow_pickle=False)
                else:
                    savez: Any = np.savez
                    savez(file, **arrays)
            os.replace(pending, path)
        except BaseException:
            pending.unlink(missing_ok=True)
            raise
    except OSError as error:
        kind = OverloadedError if error.errno == 28 else FailedPreconditionError
        raise kind(f"{option}: '{path}' can't be written: {error}") from error


def require_output(option: str, path: Path, names: list[str]) -> None:
    """Refuses a file that can't hold the arrays, before there are any.

    Raises:
        InvalidArgumentError: Several arrays for a .npy, or another suffix.
    """
    _require_suffix(option, path)
    if path.suffix == ".npy" and len(names) != 1:
        raise InvalidArgumentError(
            f"{option}: a .npy holds one array, and the model gives {', '.join(names)}; name a "
            f".npz, as {path.with_suffix('.npz')}"
        )


def _require_suffix(option: str, path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise InvalidArgumentError(
            f"{option}: expected a .npy or .npz file, as x.npy, got '{path.name}'"
        )
