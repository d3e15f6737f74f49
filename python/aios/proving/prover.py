"""What proves artifacts: the part that is the same in a child process and in this one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path
from typing import ClassVar, Self

from aios.bridge.core import core
from aios.bridge.fallback.records import ArtifactVerification
from aios.bundle.comparison import Arrays
from aios.bundle.manifest import ArtifactKey, ArtifactRecord, read_manifest

_NO_ARTIFACT = ("none", "none", "none")


class Prover(ABC):
    """Runs artifacts on every engine. Used by one thread at a time; `close` ends it.

    What an engine refuses is an `AiosError`. One that ends its process, doesn't answer in time or
    raises anything else is an `EngineDiedError` where `isolated`; calls may go on after it.
    """

    isolated: ClassVar[bool]

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
        core.verify_bundle(str(bundle), only=_NO_ARTIFACT)
        verdicts = ("passed", "pending") if include_pending else ("passed",)
        return [
            self.verify_one(bundle, artifact.key, threads)
            for artifact in read_manifest(bundle).artifacts
            if artifact.verdict in verdicts and (only is None or artifact.engine in only)
        ]

    @abstractmethod
    def verify_one(self, bundle: Path, key: ArtifactKey, threads: int) -> ArtifactVerification:
        """How one artifact answers the golden samples; files aren't checked."""

    @abstractmethod
    def answers(
        self, bundle: Path, artifact: ArtifactRecord, signature: str, inputs: Arrays
    ) -> Arrays:
        """What an artifact of the artifact's engine and precision answers to one call."""

    @abstractmethod
    def stream_answers(self, bundle: Path, inputs: Arrays) -> Arrays:
        """What a bundle's stream answers, from its start, to sequences [batch, time, …].

        Raises:
            AiosError: It can't be opened, or refuses the inputs.
        """

    @abstractmethod
    def interpret(self, model: Path, signature: str, inputs: Arrays) -> Arrays:
        """What LiteRT's Python interpreter answers to one call of a .tflite file.

        Raises:
            NotFoundError: LiteRT isn't installed.
            UnsupportedError: The interpreter can't prepare or run the graph for these shapes.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends it, and its process; what was loaded gives its memory back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
