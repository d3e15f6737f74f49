"""`TensorFlowCellularBridge`: NumPy arrays in, the C++ cell's answers out, nothing copied."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from aios import _core
from aios.bridge.engines import library_paths


class TensorFlowCellularBridge(_core.Cell):
    """Runs a bundle's model in the C++ performance cell. Safe from any thread.

    Args:
        engine: "auto" for the first engine that can run here, or the name of one.
        threads: Threads that one call may use, 1 or more.
    """

    def __init__(self, engine: str = "auto", threads: int = 1) -> None:
        super().__init__()
        self._options = (engine, threads)

    def load_model_from_training_cell(
        self, path: str | os.PathLike[str], *, verify: str = "quick"
    ) -> None:
        """Loads a bundle in place of the one loaded before, which stays on an error.

        Args:
            path: The bundle's directory.
            verify: "quick" checks every file's size and SHA-256, then 2 golden samples on the
                chosen engine; "full" all samples on every engine; "off" sizes only.

        Raises:
            NotFoundError: No bundle there, or its engine isn't installed; says what to install.
            CorruptBundleError: A file or an answer isn't what was exported; names it.
            UnsupportedError: The bundle is of another format version.
            InvalidArgumentError: An unknown engine, `threads` or `verify`.
        """
        engine, threads = self._options
        self._load(os.fspath(path), engine, threads, verify, library_paths())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def load(
    path: str | os.PathLike[str], *, engine: str = "auto", threads: int = 1, verify: str = "quick"
) -> TensorFlowCellularBridge:
    """Loads a bundle: shorthand for a TensorFlowCellularBridge and its load method."""
    bridge = TensorFlowCellularBridge(engine, threads)
    bridge.load_model_from_training_cell(path, verify=verify)
    return bridge
