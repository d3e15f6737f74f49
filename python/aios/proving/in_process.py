"""Engines in this process: the inside of the child, and what there is without one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Self

from aios.bridge import engines
from aios.bridge.core import core
from aios.bridge.fallback.records import ArtifactVerification
from aios.bundle.comparison import Arrays
from aios.bundle.manifest import ArtifactRecord, read_manifest
from aios.errors import NotFoundError, UnsupportedError

#: Engine, target and precision: what tells one artifact of a bundle from another.
ArtifactKey = tuple[str, str, str]
_NO_ARTIFACT = ("none", "none", "none")


class InProcessProver:
    """A prover whose engines can take the process with them.

    Args:
        libraries: Engine → its library; None for those of this Python environment.
        tell: Called with what an engine does next, where the C++ core doesn't tell it.
    """

    isolated = False

    def __init__(
        self,
        libraries: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda phase: None,
    ) -> None:
        self._libraries = dict(engines.library_paths() if libraries is None else libraries)
        self._tell = tell
        self._cell: core.Cell | None = None
        self._loaded: tuple[Path, str, str] | None = None

    def verify(
        self,
        bundle: Path,
        *,
        threads: int = 1,
        include_pending: bool = False,
        only: Collection[str] | None = None,
    ) -> list[ArtifactVerification]:
        """As a Prover does."""
        return [
            self.verify_one(bundle, key, threads)
            for key in checked_artifacts(bundle, include_pending=include_pending, only=only)
        ]

    def verify_one(self, bundle: Path, key: ArtifactKey, threads: int) -> ArtifactVerification:
        """How the artifact of this engine, target and precision does; files aren't checked."""
        (entry,) = core.verify_bundle(
            str(bundle),
            libraries=self._libraries,
            threads=threads,
            include_pending=True,
            only=key,
            check_files=False,
        )
        return _recorded(entry)

    def answers(
        self, bundle: Path, artifact: ArtifactRecord, signature: str, inputs: Arrays
    ) -> Arrays:
        """As a Prover does; the artifact stays loaded for the next call."""
        wanted = (bundle, artifact.engine, artifact.precision)
        if self._cell is None or self._loaded != wanted:
            self.close()
            self._cell = core.Cell()
            tags, max_tuning_ms = ["serve"], 0.0
            self._cell._load(
                str(bundle), artifact.engine, 1, "off", artifact.precision, max_tuning_ms, tags,
                self._libraries,
            )  # fmt: skip
            self._loaded = wanted
        self._tell("answering")
        answers: Arrays = self._cell.perform_inference(inputs, signature=signature)
        return answers

    def interpret(self, model: Path, signature: str, inputs: Arrays) -> Arrays:
        """As a Prover does."""
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise NotFoundError("LiteRT isn't installed: pip install aios-cells[litert]") from error
        try:
            self._tell("reading")
            runner: Any = Interpreter(model_path=str(model)).get_signature_runner(signature)
            self._tell("answering")
            return {name: array.copy() for name, array in runner(**inputs).items()}
        except (RuntimeError, ValueError) as error:
            raise UnsupportedError(f"LiteRT can't run it: {error}") from error

    def close(self) -> None:
        """As a Prover does: gives the memory of what was loaded back."""
        cell, self._cell, self._loaded = self._cell, None, None
        if cell is not None:
            cell.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _recorded(entry: Any) -> ArtifactVerification:
    fields = dataclasses.fields(ArtifactVerification)
    return ArtifactVerification(**{field.name: getattr(entry, field.name) for field in fields})


def checked_artifacts(
    bundle: Path, *, include_pending: bool, only: Collection[str] | None
) -> list[ArtifactKey]:
    """What a Prover verifies of a bundle, whose files are what was exported.

    Raises:
        CorruptBundleError: One isn't; names it.
    """
    core.verify_bundle(str(bundle), only=_NO_ARTIFACT)
    verdicts = ("passed", "pending") if include_pending else ("passed",)
    return [
        (artifact.engine, artifact.target, artifact.precision)
        for artifact in read_manifest(bundle).artifacts
        if artifact.verdict in verdicts and (only is None or artifact.engine in only)
    ]
