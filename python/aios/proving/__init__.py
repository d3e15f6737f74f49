"""Running artifacts to prove them: in a child process, which may die in place of this one."""

from aios.bridge.fallback.records import ArtifactVerification
from aios.proving.isolated import EngineDiedError
from aios.proving.prover import ISOLATION, Prover, may_isolate, open_prover

__all__ = [
    "ISOLATION",
    "ArtifactVerification",
    "EngineDiedError",
    "Prover",
    "may_isolate",
    "open_prover",
]
