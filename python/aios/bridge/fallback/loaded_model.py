"""A bundle opened, checked, and ready to run on an interpreter."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from aios.bridge.fallback.candidate import (
    LOADERS,
    Candidate,
    Runners,
    choice,
    load_artifact,
)
from aios.bridge.fallback.engine_table import engines
from aios.bridge.fallback.notice import NEEDS_EXTENSION, refusal, remedy
from aios.bridge.fallback.records import ArtifactVerification, EngineChoice, Metrics
from aios.bridge.fallback.runner import Runner
from aios.bridge.fallback.tensorflow import describe_saved_model
from aios.bridge.fallback.threads import process_budget
from aios.bridge.fallback.verifier import verify
from aios.bridge.options import LoadOptions
from aios.bundle import integrity
from aios.bundle.directory import BundleDirectory, though_replaced
from aios.bundle.golden import read_tensors
from aios.bundle.integrity import OpenBundle, open_bundle
from aios.bundle.ranges import described, is_further
from aios.bundle.records import MANIFEST, ArtifactRecord
from aios.errors import (
    AiosError,
    CorruptBundleError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnsupportedError,
)

_ENGINES = ("auto", *(facts.name for facts in engines()))
_PRECISIONS = ("float32", "fastest", "float16", "bfloat16", "int8")
#: How many golden samples each way to verify runs at load; None for all.
_SAMPLES: dict[str, int | None] = {"quick": 2, "full": None, "off": 0}


def require_valid(options: LoadOptions) -> None:
    """Checks the values of options, in the words of the C++ cell.

    Raises:
        InvalidArgumentError: One is out of range.
        NotFoundError: The engine can't run in pure Python.
    """
    if options.verify not in _SAMPLES:
        _refuse(f"verify: expected 'quick', 'full' or 'off', got '{options.verify}'")
    if options.engine not in _ENGINES:
        _refuse(
            f"engine: expected {', '.join(_ENGINES[:-1])} or {_ENGINES[-1]}, got '{options.engine}'"
        )
    if options.precision not in _PRECISIONS:
        _refuse(
            "precision: expected float32 or fastest, or float16, bfloat16 or int8 alone, got "
            f"'{options.precision}'"
        )
    if not options.max_tuning_ms >= 0:
        _refuse(f"max_tuning_ms: expected 0 or more, got {options.max_tuning_ms}")
    if options.threads < 1:
        _refuse(f"threads: expected 1 or more, got {options.threads}")
    if options.engine not in ("auto", *LOADERS):
        raise NotFoundError(refusal(options.engine))


def _refuse(message: str) -> NoReturn:
    raise InvalidArgumentError(message)


def load_model(path: str, options: LoadOptions) -> LoadedModel:
    """A model, loaded again where another bundle is put in its place meanwhile."""
    return though_replaced(Path(path), lambda: LoadedModel(path, options))


class LoadedModel:
    """Checks a bundle as the options say and takes the first artifact that runs here.

    Or a bare SavedModel directory, on TensorFlow and with nothing to check.

    Raises:
        NotFoundError: No bundle there, or none of its artifacts can run here; says why.
        CorruptBundleError: A file or an answer isn't what was exported; names it.
        UnsupportedError: The bundle is of another format version.
    """

    def __init__(self, path: str, options: LoadOptions) -> None:
        if options.manifest_sha256:
            raise UnsupportedError("signed bundles need the C++ extension of aios")
        self._process = os.getpid()
        self._threads = options.threads
        golden_samples = _SAMPLES[options.verify]
        if _is_bare_saved_model(Path(path)):
            bundle, golden_samples = _bare_bundle(Path(path), options), 0
        else:
            bundle = open_bundle(Path(path))
            integrity.check_files(bundle, sizes_only=options.verify == "off")
            if options.verify == "full":
                _require_every_engine(bundle, options.threads)
        self._excluded: list[EngineChoice] = []
        self._candidates: list[Candidate] = []
        self._enter(bundle, options, golden_samples)
        self._chosen, self._runners = self._first_that_runs(bundle, options.engine)

    @property
    def engine(self) -> str:
        """As "python-litert"."""
        return self._chosen.engine

    @property
    def runners(self) -> list[Runner]:
        """One for each signature, the default's first."""
        return list(self._runners.values())

    def runner(self, signature: str | None = None) -> Runner:
        """The runner of a signature, the default's if there is no name.

        Raises:
            NotFoundError: There is none of that name.
            FailedPreconditionError: This process was forked after loading.
        """
        self.require_same_process()
        if not isinstance(signature, (str, type(None))):
            raise InvalidArgumentError(
                f"signature: expected the name of a signature or None, got {signature!r}"
            )
        for record, runner in self._runners.items():
            if not signature or signature == record.name:
                return runner
        known = ", ".join(f"'{record.name}'" for record in self._runners)
        raise NotFoundError(f"no signature '{signature}' in this model; it has {known}")

    def require_same_process(self) -> None:
        """Raises FailedPreconditionError in a process that was forked after loading."""
        if self._process != os.getpid():
            raise FailedPreconditionError(
                "this process was forked after the model was loaded, which engines don't survive; "
                "load it again in the child, or start children with 'spawn'"
            )

    def metrics(self) -> Metrics:
        """Counters and latency of every signature."""
        return Metrics(self.engine, [runner.metrics() for runner in self._runners.values()])

    def explain(self) -> list[EngineChoice]:
        """A row for each artifact: those that may run, then those that never take part."""
        alone = len(self._candidates) == 1
        why = "the only one that may run" if alone else "the first that runs; nothing was measured"
        budget = process_budget()
        if self._threads > budget.size:
            why += f"; {self._threads} threads were asked for, this process has a budget of "
            why += str(budget.size)
        rows = [
            candidate.row(why if candidate is self._chosen else "")
            for candidate in self._candidates
        ]
        threads = budget.cut(self._threads)
        return [replace(row, threads=threads) for row in rows + self._excluded]

    def _enter(self, bundle: OpenBundle, options: LoadOptions, golden_samples: int | None) -> None:
        for artifact in bundle.manifest.artifacts:
            if options.engine not in ("auto", artifact.engine):
                continue
            reason = _exclusion(artifact, options.precision)
            if reason:
                self._excluded.append(choice(artifact.engine, artifact, reason))
            else:
                self._candidates.append(
                    Candidate(bundle, artifact, options.threads, golden_samples)
                )
        artifacts = [candidate.artifact for candidate in self._candidates]
        for candidate in self._candidates:
            candidate.reserve = _proved_for_less(candidate.artifact, artifacts)
        order = list(LOADERS)
        self._candidates.sort(
            key=lambda entry: (bool(entry.reserve), order.index(entry.artifact.engine))
        )

    def _first_that_runs(self, bundle: OpenBundle, engine: str) -> tuple[Candidate, Runners]:
        for candidate in self._candidates:
            runners = candidate.load()
            if runners is not None:
                return candidate, runners
        failures = [candidate.failure for candidate in self._candidates if candidate.failure]
        if len({candidate.engine for candidate in self._candidates}) == 1:
            raise failures[0]
        rows = [candidate.row("") for candidate in self._candidates] + self._excluded
        reasons = "; ".join(dict.fromkeys(_told(row) for row in rows))
        if any(row.reason == NEEDS_EXTENSION for row in rows):
            reasons += f"; {remedy()}"
        raise NotFoundError(
            f"bundle '{bundle.root}' can't run on engine '{engine}' here: "
            f"{reasons or 'it has no artifact for that engine'}"
        )


def verify_bundle(
    path: str,
    *,
    libraries: Mapping[str, str] = {},
    threads: int = 1,
    include_pending: bool = False,
    only: tuple[str, str, str] | None = None,
    check_files: bool = True,
) -> list[ArtifactVerification]:
    """Checks every file, then runs all golden samples on every artifact that passed at export.

    An artifact that can't run here is reported, not raised.

    Args:
        path: The bundle's directory.
        libraries: Of the C++ engines: not used here.
        threads: Threads that one call may use.
        include_pending: Also run those that have no verdict yet.
        only: Engine, target and precision of the only one to run.
        check_files: Whether to check files first.
    """
    del libraries
    verdicts = ("passed", "pending") if include_pending else ("passed",)

    def verify_once() -> list[ArtifactVerification]:
        bundle = open_bundle(Path(path))
        if check_files:
            integrity.check_files(bundle, sizes_only=False)
        return [
            _verified(bundle, artifact, threads)
            for artifact in bundle.manifest.artifacts
            if artifact.verdict in verdicts and only in (None, artifact.key)
        ]

    return though_replaced(Path(path), verify_once)


def _verified(bundle: OpenBundle, artifact: ArtifactRecord, threads: int) -> ArtifactVerification:
    try:
        golden = read_tensors(bundle.directory, bundle.manifest.golden)
        runners = load_artifact(bundle, artifact, threads)
        return verify(runners, golden, artifact, bundle.manifest.ranges_of(artifact))
    except AiosError as error:
        return ArtifactVerification(
            *artifact.key, reason=str(error),
            not_run=isinstance(error, NotFoundError),
        )  # fmt: skip


def _require_every_engine(bundle: OpenBundle, threads: int) -> None:
    for entry in verify_bundle(str(bundle.root), threads=threads):
        if not entry.ok and entry.samples:
            raise CorruptBundleError(
                f"bundle '{bundle.root}' on engine '{entry.engine}': {entry.reason}; nothing was "
                "loaded; export the bundle again"
            )


def _exclusion(artifact: ArtifactRecord, precision: str) -> str:
    """Why an artifact takes no part; empty if it does."""
    if artifact.verdict != "passed":
        return artifact.reason or "it was never verified"
    if precision == "float32" != artifact.precision:
        return "its precision is lower than float32; allow it with precision='fastest'"
    if precision not in ("fastest", artifact.precision):
        return f"precision='{precision}' was asked for"
    return NEEDS_EXTENSION if refusal(artifact.engine) else ""


def _proved_for_less(artifact: ArtifactRecord, others: Sequence[ArtifactRecord]) -> str:
    """Why another one of its precision is tried before it; empty if none is."""
    own = artifact.proven_range
    for other in others:
        further = other.proven_range
        if other.precision != artifact.precision or own is None or further is None:
            continue
        if is_further(further, own):
            return (
                f"it is proved for {described(own)} only, {other.engine} for {described(further)}"
            )
    return ""


def _told(row: EngineChoice) -> str:
    precision = "" if row.precision == "float32" else f" {row.precision}"
    return f"{row.engine}{precision}: {row.reason}"


def _is_bare_saved_model(path: Path) -> bool:
    return not (path / MANIFEST).exists() and (path / "saved_model.pb").exists()


def _bare_bundle(path: Path, options: LoadOptions) -> OpenBundle:
    if options.engine not in ("auto", "tensorflow"):
        raise NotFoundError(
            f"'{path}' is a bare SavedModel, which only the engine 'tensorflow' runs, not "
            f"'{options.engine}'; export it as a bundle"
        )
    return OpenBundle(BundleDirectory(path), describe_saved_model(path, options.tags))
