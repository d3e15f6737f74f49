"""Running artifacts to prove them: in a child process, which may die in place of this one."""

from aios.bridge.fallback.records import ArtifactVerification
from aios.bridge.isolation import may_isolate
from aios.proving.in_process import InProcessProver
from aios.proving.isolated import EngineDiedError, IsolatedProver
from aios.proving.prover import Prover

__all__ = [
    "ArtifactVerification",
    "EngineDiedError",
    "Prover",
    "open_prover",
]


def open_prover() -> Prover:
    """A prover in a child process, which starts at once; in this one where there can be none."""
    return IsolatedProver() if may_isolate() else InProcessProver()
