"""`TensorFlowCellularBridge`: NumPy arrays in, the C++ cell's answers out, nothing copied."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from aios.bridge.core import core
from aios.bridge.engines import library_paths
from aios.bridge.isolation import library_check
from aios.bridge.options import LoadOptions
from aios.bridge.submission_pool import SubmissionPool
from aios.errors import FailedPreconditionError, InvalidArgumentError

_ALIGNMENT = 64


class TensorFlowCellularBridge(core.Cell):
    """Runs a bundle's model in the C++ performance cell. Safe from any thread.

    Where the C++ extension couldn't be built, models run on LiteRT's or TensorFlow's Python
    interpreter instead, behind the same methods; the first load warns of it.

    Args:
        engine: "auto" for the fastest by measurement on this machine, or the name of one.
        threads: Threads that one call may use, 1 or more.
        precision: "float32"; "fastest" to allow any precision that passed verification; or another
            one, as "int8", to allow that alone.
        max_tuning_ms: How long "auto" may measure for each batch size that it first sees (in
            powers of two), or 5 calls of each engine, whichever is longer; 0 measures nothing and
            takes the first engine that runs. What was measured is kept in the user's cache.
    """

    if not TYPE_CHECKING:
        # The same method, quicker where the arguments are the usual ones.
        perform_inference = core.fast_inference

    def __init__(
        self,
        engine: str = "auto",
        threads: int = 1,
        *,
        precision: str = "float32",
        max_tuning_ms: float = 300,
    ) -> None:
        super().__init__()
        self._options = LoadOptions(
            engine=engine, threads=threads, precision=precision, max_tuning_ms=max_tuning_ms
        )
        # The path of what is loaded; the options are those that it was loaded with.
        self._path: str | None = None
        self._pool: SubmissionPool | None = None
        # Taking a call may run code of its array, which may submit another one.
        self._pool_lock = threading.RLock()

    def load_model_from_training_cell(
        self,
        path: str | os.PathLike[str],
        *,
        verify: str = "quick",
        tags: Sequence[str] = ("serve",),
        manifest_sha256: str = "",
    ) -> None:
        """Loads a bundle in place of the one loaded before, which stays on an error.

        Args:
            path: The bundle's directory, or a bare SavedModel directory, which only the engine
                tensorflow runs, and unchecked.
            verify: "quick" checks every file's size and SHA-256, then 2 golden samples on the
                chosen engine; "full" all samples on every engine; "off" sizes only.
            tags: Tags of a bare SavedModel's graph.
            manifest_sha256: Where not empty, only the bundle whose manifest has this hash is
                loaded, and every file is checked.

        Raises:
            NotFoundError: No bundle there, or its engine isn't installed; says what to install.
            CorruptBundleError: A file or an answer isn't what was exported; names it.
            UnsupportedError: The bundle is of another format version.
            InvalidArgumentError: An unknown engine, `threads` or `verify`; no path.
        """
        location = _location(path)
        options = replace(
            self._options, verify=verify, tags=_tags(tags), manifest_sha256=manifest_sha256
        )
        core.check_libraries_with(library_check())
        self._load(location, options, library_paths())
        self._path, self._options = location, options

    def submit(self, x: object, *, copy: bool = False, signature: str | None = None) -> Future[Any]:
        """Answers in another thread; the future gives what perform_inference would return.

        While all threads are busy, calls wait; where the model is proved to answer samples alone,
        several that wait are answered by one call of a larger batch, if that saves time. Keep `x`
        unchanged until the future is done.

        Raises:
            FailedPreconditionError: No model is loaded. What is wrong with the call itself is
                raised by the future.
        """
        with self._pool_lock:
            if self._path is None:
                raise FailedPreconditionError(
                    "no model is loaded; call load_model_from_training_cell or aios.load first"
                )
            if self._pool is None or self._pool.is_of_parent:
                threads = core.thread_budget()
                self._pool = SubmissionPool(core.Submissions(threads), threads)
            return self._pool.submit(self, x, copy=copy, signature=signature)

    def close(self) -> None:
        """Waits for what was submitted, then gives the model's memory back.

        Later calls raise FailedPreconditionError; closing twice is allowed.
        """
        with self._pool_lock:
            pool, self._pool = self._pool, None
            self._path = None
        if pool is not None:
            pool.close()
        super().close()

    def __reduce__(self) -> tuple[Any, ...]:
        """A bridge pickles as its path and options, and loads again where it is unpickled."""
        return _restored, (self._options, self._path)

    def __repr__(self) -> str:
        options = self._options
        asked = f"engine={options.engine!r}"
        threads = f"threads={options.threads}"
        try:
            running = f"{asked} running {self.engine}"
        except FailedPreconditionError:
            return f"<{type(self).__name__} {asked}, {threads}: no model is loaded>"
        return f"<{type(self).__name__} {self._path!r}, {running}, {threads}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _location(path: object) -> str:
    """A bundle's path as text, if it is one at all."""
    text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
    if text and "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text):
        return text
    raise InvalidArgumentError(
        f"path: expected the directory of a bundle, as 'digits.cell', got {path!r}"
    )


def _tags(tags: object) -> tuple[str, ...]:
    if isinstance(tags, Sequence) and not isinstance(tags, (str, bytes)):
        found = tuple(tag for tag in tags if isinstance(tag, str))
        if len(found) == len(tags):
            return found
    raise InvalidArgumentError(f"tags: expected names, as ['serve'], got {tags!r}")


def _restored(options: LoadOptions, path: str | None) -> TensorFlowCellularBridge:
    bridge = TensorFlowCellularBridge(
        options.engine,
        options.threads,
        precision=options.precision,
        max_tuning_ms=options.max_tuning_ms,
    )
    if path is not None:
        bridge.load_model_from_training_cell(path, verify=options.verify, tags=options.tags)
    return bridge


def empty(shape: int | Sequence[int], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    """A C-contiguous array on a 64-byte boundary, which every engine binds without staging.

    Args:
        shape: Sizes; elements are undefined, as of numpy.empty.
        dtype: NumPy's dtype.
    """
    kind = np.dtype(dtype)
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    count = int(np.prod(sizes, dtype=np.int64))
    memory = np.empty(count * kind.itemsize + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + count * kind.itemsize].view(kind).reshape(sizes)


def load(
    path: str | os.PathLike[str],
    *,
    engine: str = "auto",
    threads: int = 1,
    verify: str = "quick",
    precision: str = "float32",
    max_tuning_ms: float = 300,
    require_signature: str | os.PathLike[str] | None = None,
) -> TensorFlowCellularBridge:
    """Loads a bundle: shorthand for a bridge and its load method.

    Args:
        path: As load_model_from_training_cell takes it.
        engine: As TensorFlowCellularBridge takes it, like the other options but for `verify`.
        threads: Threads that one call may use, 1 or more.
        verify: "quick", "full" or "off", as load_model_from_training_cell takes it.
        precision: "float32", "fastest" or another one alone.
        max_tuning_ms: How long "auto" may measure.
        require_signature: A file of public keys: only a bundle that one of them signed is loaded,
            with every file checked.

    Returns:
        A bridge that answers; close it, or use it as a context manager.

    Raises:
        As load_model_from_training_cell.
        PermissionDeniedError: It isn't signed by one of the keys, or isn't what was signed.
    """
    expected = ""
    if require_signature is not None:
        from aios.bundle.signing import verified_manifest

        expected = verified_manifest(path, require_signature)
    bridge = TensorFlowCellularBridge(
        engine, threads, precision=precision, max_tuning_ms=max_tuning_ms
    )
    bridge.load_model_from_training_cell(path, verify=verify, manifest_sha256=expected)
    return bridge
