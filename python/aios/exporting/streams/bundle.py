"""The stream of a bundle: a bundle of one step in a folder of its own, and the proof of both."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from aios.bundle.comparison import Arrays
from aios.bundle.manifest import (
    FileRecord,
    Manifest,
    StreamRecord,
    Tolerance,
    hash_file,
    write_manifest,
)
from aios.bundle.precision import FLOAT32
from aios.errors import UnsupportedError
from aios.exporting import golden
from aios.exporting.building import build
from aios.exporting.golden import GoldenSet
from aios.exporting.reasons import contained
from aios.exporting.samples import Samples
from aios.exporting.sources.base import SAVED_MODEL, Source
from aios.exporting.sources.keras_model import KerasSource
from aios.exporting.streams.step_model import StepModel, step_model
from aios.proving import Prover
from aios.proving.streams import StreamProof, golden_sequences

#: The folder of the bundle of one step.
FOLDER = "stream"
ENGINE = "compiled"
#: Sequences, and frames of each, that golden samples of one step are taken from.
_SEQUENCES, _FRAMES = 2, 8


def with_stream(
    work: Path,
    manifest: Manifest,
    source: Source,
    sets: Sequence[GoldenSet],
    *,
    tolerance: Tolerance,
    prover: Prover,
) -> Manifest:
    """The manifest of a bundle that has its stream too, proved; or the reason why it has none.

    Args:
        work: The bundle's directory, whose artifacts are judged.
        manifest: Of the bundle.
        source: What is exported.
        sets: Golden samples of every signature.
        tolerance: Allowed error of every step.
        prover: Runs it.
    """
    try:
        record = _made(work, manifest, source, sets, tolerance=tolerance, prover=prover)
    except Exception as error:
        reason = contained(error)
        record = StreamRecord("declined", tolerance=tolerance, reason=reason)
    if record.verdict == "declined":
        shutil.rmtree(work / FOLDER, ignore_errors=True)
    return replace(manifest, stream=record, files=(*manifest.files, *_files(work)))


def _made(
    work: Path,
    manifest: Manifest,
    source: Source,
    sets: Sequence[GoldenSet],
    *,
    tolerance: Tolerance,
    prover: Prover,
) -> StreamRecord:
    if type(source) is not KerasSource or len(sets) != 1:
        raise UnsupportedError(
            "only a Keras 3 model on TensorFlow can become a stream: of others the layers aren't "
            "known"
        )
    (item,) = sets
    with step_model(source.model, item.signature) as step:
        _write_step(work / FOLDER, step, item, tolerance, prover)
    record = StreamRecord("passed", FOLDER, step.states, tolerance)
    # The cell opens what passed: the proof tells whether it has, before anything is published.
    provisional = replace(manifest, stream=record, files=(*manifest.files, *_files(work)))
    write_manifest(work, provisional)
    inputs, references = golden_sequences(work, provisional)
    proof = StreamProof.of(prover.stream_answers, work, inputs, references, tolerance)
    return replace(
        record,
        verdict="passed" if proof.ok else "failed",
        max_error=proof.max_error,
        worst=proof.worst,
        samples=proof.samples,
        frames=proof.frames,
        reason=proof.reason,
    )


def _write_step(
    folder: Path, step: StepModel, whole: GoldenSet, tolerance: Tolerance, prover: Prover
) -> None:
    """Writes the bundle of one step, which is judged like any bundle."""
    folder.mkdir()
    source = KerasSource(step.model)
    source.save(folder / SAVED_MODEL)
    (signature,) = source.signatures
    answers = partial(source.answers, signature)
    samples = Samples(_step_samples(source, step, whole), drawn=True)
    kept = golden.collect(answers, signature, samples, tolerance)
    manifest = build(folder, source, [kept], [ENGINE], {FLOAT32: tolerance}, prover=prover)
    _require_passed(manifest)
    # A whole model says what was trained; nothing runs that of a step.
    shutil.rmtree(folder / SAVED_MODEL)
    own = [file for file in manifest.files if not file.path.startswith(f"{SAVED_MODEL}/")]
    write_manifest(folder, replace(manifest, files=tuple(own)))


def _require_passed(manifest: Manifest) -> None:
    if any(artifact.verdict == "passed" for artifact in manifest.artifacts):
        return
    reasons = dict.fromkeys(f"{a.engine} {a.verdict}: {a.reason}" for a in manifest.artifacts)
    raise UnsupportedError(f"no step could be made ({'; '.join(reasons)})")


def _step_samples(source: KerasSource, step: StepModel, whole: GoldenSet) -> Arrays:
    """Frames of golden sequences with the states that they meet, axis 0 counting calls."""
    (signature,) = source.signatures
    count = min(_SEQUENCES, whole.in_range)
    sequences = {name: array[:count, 0] for name, array in whole.inputs.items()}
    held = {
        spec.name: np.zeros((count, *spec.shape[1:]), spec.dtype)
        for spec in signature.inputs
        if spec.name not in sequences
    }
    frames = min(_FRAMES, *(array.shape[1] for array in sequences.values()))
    met: dict[str, list[np.ndarray]] = {spec.name: [] for spec in signature.inputs}
    for frame in range(frames):
        call = {**{n: a[:, frame : frame + 1] for n, a in sequences.items()}, **held}
        for name, array in call.items():
            met[name].append(array[:, None])
        answers = source.answers(signature, call)
        held = {state.input: answers[state.output] for state in step.states}
    return {name: np.concatenate(arrays) for name, arrays in met.items()}


def _files(work: Path) -> tuple[FileRecord, ...]:
    """Every file of the stream, which the bundle's manifest covers as its own."""
    paths = sorted(path for path in (work / FOLDER).rglob("*") if path.is_file())
    return tuple(hash_file(work, path.relative_to(work).as_posix()) for path in paths)
