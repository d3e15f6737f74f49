"""Running artifacts to prove them: in a child process, which may die in place of this one."""

from aios.bridge.fallback.records import ArtifactVerification
from aios.proving.isolated import EngineDiedError
from aios.proving.prover import Prover, open_prover

__all__ = [
    "ArtifactVerification",
    "EngineDiedError",
    "Prover",
    "open_prover",
]
