"""An artifact that may run here: loaded when it is first needed, trusted only if it answers."""

from __future__ import annotations

from aios.bridge.fallback.engine import Loader
from aios.bridge.fallback.litert import LiteRtModel
from aios.bridge.fallback.notice import refusal
from aios.bridge.fallback.records import EngineChoice, Signature
from aios.bridge.fallback.runner import Runner
from aios.bridge.fallback.tensorflow import TensorFlowModel
from aios.bridge.fallback.threads import process_budget
from aios.bridge.fallback.verifier import verify
from aios.bundle.golden import read_tensors
from aios.bundle.integrity import OpenBundle
from aios.bundle.records import ArtifactRecord, SignatureRecord
from aios.errors import AiosError, CorruptBundleError, NotFoundError

#: As engine_table.INTERPRETED has them.
LOADERS: dict[str, Loader] = {"litert": LiteRtModel, "tensorflow": TensorFlowModel}
#: The bucket of the largest batches in the C++ cell: here one choice is for all of them.
_EVERY_BATCH = 1 << 31

Runners = dict[SignatureRecord, Runner]


def load_artifact(bundle: OpenBundle, artifact: ArtifactRecord, threads: int) -> Runners:
    """A runner for each of the bundle's signatures.

    Raises:
        NotFoundError: Its engine isn't installed, or can't run in pure Python.
    """
    loader = LOADERS.get(artifact.engine)
    if loader is None:
        raise NotFoundError(refusal(artifact.engine))
    threads = process_budget().cut(threads)
    # Before, so that nothing else is loaded; and after, because it may be changed in between.
    bundle.require_unchanged(artifact)
    model = loader(bundle.directory, artifact, threads)
    bundle.require_unchanged(artifact)
    return {
        record: Runner(model, Signature.of(record), threads)
        for record in bundle.manifest.signatures
    }


class Candidate:
    """One artifact of a bundle, and what became of it.

    Args:
        bundle: Where it is.
        artifact: What it is.
        threads: Threads that one call may use.
        golden_samples: How many are run before it may serve; None for all.
    """

    def __init__(
        self, bundle: OpenBundle, artifact: ArtifactRecord, threads: int, golden_samples: int | None
    ) -> None:
        self.artifact = artifact
        self.failure: AiosError | None = None
        #: Why others are tried before it; empty if it takes part like any other.
        self.reserve = ""
        self._bundle = bundle
        self._threads = threads
        self._golden_samples = golden_samples

    @property
    def engine(self) -> str:
        """What a bridge that runs it says of its engine."""
        return f"python-{self.artifact.engine}"

    def load(self) -> Runners | None:
        """None if it can't run here; `failure` then tells why."""
        try:
            runners = load_artifact(self._bundle, self.artifact, self._threads)
            if self._golden_samples != 0:
                self._check(runners)
            # A file that can't be read is found now, not at the first call.
            with next(iter(runners.values())).session():
                pass
        except AiosError as error:
            self.failure = error
            return None
        return runners

    def _check(self, runners: Runners) -> None:
        golden = read_tensors(self._bundle.directory, self._bundle.manifest.golden)
        ranges = self._bundle.manifest.ranges_of(self.artifact)
        result = verify(runners, golden, self.artifact, ranges, self._golden_samples)
        if not result.ok:
            raise CorruptBundleError(
                f"bundle '{self._bundle.root}' on engine '{self.artifact.engine}': "
                f"{result.reason}; export the bundle on this machine"
            )

    def row(self, chosen: str) -> EngineChoice:
        """Its row in explain(); `chosen` is why it was, or empty."""
        reason = chosen or str(self.failure or self.reserve or "not tried: another one runs")
        return choice(self.engine, self.artifact, reason, batch=_EVERY_BATCH, chosen=bool(chosen))


def choice(
    engine: str, artifact: ArtifactRecord, reason: str, *, batch: int = 0, chosen: bool = False
) -> EngineChoice:
    """A row of explain()."""
    return EngineChoice(
        engine=engine,
        target=artifact.target,
        precision=artifact.precision,
        reason=reason,
        batch=batch,
        max_error=artifact.max_error or 0.0,
        chosen=chosen,
    )
