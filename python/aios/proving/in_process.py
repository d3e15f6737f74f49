"""Engines in this process: the inside of the child, and what there is without one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aios.bridge import engines
from aios.bridge.core import core
from aios.bridge.fallback.records import ArtifactVerification
from aios.bridge.options import LoadOptions
from aios.bundle.comparison import Arrays
from aios.bundle.manifest import ArtifactKey, ArtifactRecord
from aios.errors import NotFoundError, UnsupportedError
from aios.proving.prover import Prover


class InProcessProver(Prover):
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

    def verify_one(self, bundle: Path, key: ArtifactKey, threads: int) -> ArtifactVerification:
        """As a Prover does."""
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
            options = LoadOptions(
                engine=artifact.engine, precision=artifact.precision, verify="off", max_tuning_ms=0
            )
            self._cell._load(str(bundle), options, self._libraries)
            self._loaded = wanted
        self._tell("answering")
        answers: Arrays = self._cell.perform_inference(inputs, signature=signature)
        return answers

    def stream_answers(self, bundle: Path, inputs: Arrays) -> Arrays:
        """As a Prover does."""
        cell = core.Cell()
        cell._load(str(bundle), LoadOptions(verify="off", max_tuning_ms=0), self._libraries)
        try:
            self._tell("answering")
            with cell.stream(len(next(iter(inputs.values())))) as stream:
                answers: Arrays = stream.step(inputs)
            return answers
        finally:
            cell.close()

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


def _recorded(entry: Any) -> ArtifactVerification:
    fields = dataclasses.fields(ArtifactVerification)
    return ArtifactVerification(**{field.name: getattr(entry, field.name) for field in fields})
