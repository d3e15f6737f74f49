"""The child process of an `IsolatedProver`: one call after another, until the parent is gone.

Arguments: descriptors of its end of the line and of the file that phases are written to. It needs
the C++ core, and of TensorFlow only the C library.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from aios.bridge.core import core
from aios.bridge.isolation import LIBRARY_CHECK, die_with_parent
from aios.bundle.comparison import Arrays
from aios.bundle.manifest import ArtifactRecord
from aios.errors import AiosError
from aios.proving.in_process import InProcessProver
from aios.proving.line import Json, Line


def main() -> NoReturn:
    """Answers the parent's calls."""
    end, phases = map(int, sys.argv[1:])
    die_with_parent()
    os.environ.pop(LIBRARY_CHECK, None)
    os.set_inheritable(end, False)
    os.set_inheritable(phases, False)
    core.report_phases(phases)
    line = Line(socket.socket(fileno=end))
    prover: InProcessProver | None = None
    line.send({"ready": True})
    while True:
        try:
            call, inputs = line.receive()
        except EOFError:
            # Vendors' libraries may not end well: nothing of theirs runs at exit.
            os._exit(0)
        if prover is None:
            prover = InProcessProver(call["libraries"], lambda phase: _tell(phases, phase))
        line.send(*_outcome(prover, call, inputs))


def _outcome(prover: InProcessProver, call: Json, inputs: Arrays) -> tuple[Json, Arrays]:
    try:
        return _answered(prover, call, inputs)
    except AiosError as error:
        return {"error": type(error).__name__, "message": str(error)}, {}
    except Exception as error:
        return {"error": "", "message": f"{type(error).__name__}: {error}"}, {}


def _answered(prover: InProcessProver, call: Json, inputs: Arrays) -> tuple[Json, Arrays]:
    path, (engine, target, precision) = Path(call["path"]), call["artifact"]
    if call["call"] == "verify":
        entry = prover.verify_one(path, (engine, target, precision), call["threads"])
        return {"entry": dataclasses.asdict(entry)}, {}
    if call["call"] == "answers":
        artifact = ArtifactRecord(engine, target, precision, "passed")
        return {}, prover.answers(path, artifact, call["signature"], inputs)
    if call["call"] == "stream":
        return {}, prover.stream_answers(path, inputs)
    return {}, prover.interpret(path, call["signature"], inputs)


def _tell(phases: int, phase: str) -> None:
    os.pwrite(phases, phase.encode() + b"\0", 0)
