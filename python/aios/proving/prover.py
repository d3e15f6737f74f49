"""What proves artifacts, and whether it does so in a child process."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Protocol, Self

from aios.bridge.fallback.records import ArtifactVerification
from aios.bridge.isolation import may_isolate
from aios.bundle.comparison import Arrays
from aios.bundle.manifest import ArtifactRecord


class Prover(Protocol):
    """Runs artifacts on every engine. Used by one thread at a time; `close` ends it.

    What an engine refuses is an `AiosError`. One that ends its process, doesn't answer in time or
    raises anything else is an `EngineDiedError` where `isolated`; calls may go on after it.
    """

    isolated: bool

    def verify(
        self,
        bundle: Path,
        *,
        threads: int = 1,
        include_pending: bool = False,
        only: Collection[str] | None = None,
    ) -> list[ArtifactVerification]:
        """Checks every file, then runs all golden samples on every artifact that passed at export.

        An artifact that can't run here, or whose engine dies of it, is reported, not raised.

        Args:
            bundle: The bundle's directory.
            threads: Threads that one call may use.
            include_pending: Also run those that have no verdict yet.
            only: Names of engines; None for all.

        Raises:
            CorruptBundleError: A file isn't what was exported; names it.
        """

    def answers(
        self, bundle: Path, artifact: ArtifactRecord, signature: str, inputs: Arrays
    ) -> Arrays:
        """What an artifact of the artifact's engine and precision answers to one call."""

    def interpret(self, model: Path, signature: str, inputs: Arrays) -> Arrays:
        """What LiteRT's Python interpreter answers to one call of a .tflite file.

        Raises:
            NotFoundError: LiteRT isn't installed.
            UnsupportedError: The interpreter can't prepare or run the graph for these shapes.
        """

    def close(self) -> None:
        """Ends it, and its process."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_prover() -> Prover:
    """A prover in a child process, which starts at once; in this one where there can be none."""
    if may_isolate():
        from aios.proving.isolated import IsolatedProver

        return IsolatedProver()
    from aios.proving.in_process import InProcessProver

    return InProcessProver()
