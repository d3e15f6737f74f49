"""Engines in a child process, shared until one of them dies of a model; then there is a new one."""

from __future__ import annotations

import os
from pathlib import Path

import aios.errors
from aios.bridge import engines
from aios.bridge.fallback.records import ArtifactVerification
from aios.bundle.comparison import Arrays
from aios.bundle.manifest import ArtifactKey, ArtifactRecord
from aios.errors import AiosError, InvalidArgumentError, UnavailableError
from aios.proving.line import Json
from aios.proving.process import (
    TIME_LIMIT,
    ChildProcess,
    ProcessEndedError,
    ProcessNotStartedError,
)
from aios.proving.prover import Prover

_DEFAULT_LIMIT_S = 300.0


class EngineDiedError(UnavailableError):
    """An engine died or hung, as "OpenVINO died by SIGSEGV while reading", or raised anything."""


class IsolatedProver(Prover):
    """A prover whose engines die without taking this process with them.

    Args:
        time_limit_s: For each call; None for $AIOS_ENGINE_TIME_LIMIT_S, or 300.

    Raises:
        InvalidArgumentError: $AIOS_ENGINE_TIME_LIMIT_S isn't a number of seconds.
        ProcessNotStartedError: The system allows no further process.
    """

    isolated = True

    def __init__(self, time_limit_s: float | None = None) -> None:
        self._limit_s = _limit_of_environment() if time_limit_s is None else time_limit_s
        self._libraries = engines.library_paths()
        self._useless: dict[str, str] = {}
        self._child: ChildProcess | None = ChildProcess()

    def verify_one(self, bundle: Path, key: ArtifactKey, threads: int) -> ArtifactVerification:
        """As a Prover does."""
        try:
            reply, _ = self._call(key, bundle, {"call": "verify", "threads": threads}, {})
        except (EngineDiedError, ProcessNotStartedError) as error:
            return ArtifactVerification(*key, reason=str(error))
        return ArtifactVerification(**reply["entry"])

    def answers(
        self, bundle: Path, artifact: ArtifactRecord, signature: str, inputs: Arrays
    ) -> Arrays:
        """As a Prover does."""
        call = {"call": "answers", "signature": signature}
        return self._call(artifact.key, bundle, call, inputs)[1]

    def stream_answers(self, bundle: Path, inputs: Arrays) -> Arrays:
        """As a Prover does."""
        return self._call(("compiled", "any", "float32"), bundle, {"call": "stream"}, inputs)[1]

    def interpret(self, model: Path, signature: str, inputs: Arrays) -> Arrays:
        """As a Prover does."""
        call = {"call": "interpret", "signature": signature}
        return self._call(("litert", "any", "float32"), model, call, inputs)[1]

    def close(self) -> None:
        """As a Prover does."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def _call(
        self, key: ArtifactKey, path: Path, call: Json, inputs: Arrays
    ) -> tuple[Json, Arrays]:
        engine = key[0]
        if engine in self._useless:
            raise EngineDiedError(self._useless[engine])
        if self._child is None:
            self._child = ChildProcess()
        request = {**call, "path": str(path), "artifact": key, "libraries": self._libraries}
        try:
            reply, answers = self._child.call(request, inputs, self._limit_s)
        except ProcessNotStartedError:
            self.close()
            raise
        except ProcessEndedError as error:
            raise self._death(engine, str(error)) from error
        if "error" in reply:
            raise _raised(engine, reply)
        return reply, answers

    def _death(self, engine: str, how: str) -> EngineDiedError:
        died = f"{engines.vendor_of(engine)} {how}"
        # Its library is of no use for any model, and trying again may take as long.
        if self._child is not None and self._child.phase == "opening":
            self._useless[engine] = died
        self.close()
        return EngineDiedError(died)


def _raised(engine: str, reply: Json) -> AiosError:
    kind = getattr(aios.errors, reply["error"], None)
    if isinstance(kind, type) and issubclass(kind, AiosError):
        return kind(reply["message"])
    return EngineDiedError(f"{engines.vendor_of(engine)} raised {reply['message']}")


def _limit_of_environment() -> float:
    text = os.environ.get(TIME_LIMIT) or str(_DEFAULT_LIMIT_S)
    try:
        limit_s = float(text)
    except ValueError:
        limit_s = 0.0
    if not 0 < limit_s < float("inf"):
        raise InvalidArgumentError(f"{TIME_LIMIT}: expected seconds, as 300, got {text!r}")
    return limit_s
