"""`aios.export`: artifacts and golden samples are written, verified through C++, then published.

The function is longer than others because its documentation is the reference of the product.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from aios.bundle.manifest import (
    MAX_TOLERANCE,
    ArtifactRecord,
    Manifest,
    write_manifest,
)
from aios.bundle.precision import FLOAT32
from aios.bundle.publish import pending_directory, publish
from aios.errors import AiosError, FailedPreconditionError, UnsupportedError
from aios.exporting import arguments
from aios.exporting.building import build
from aios.exporting.divergence import first_diverging_layer
from aios.exporting.garbage import only_new_objects_collected
from aios.exporting.gathering import gathered
from aios.exporting.golden import GoldenSet
from aios.exporting.provenance import provenance
from aios.exporting.reasons import OUT_OF_MEMORY, contained
from aios.exporting.report import ExportReport, notes, report_of
from aios.exporting.sizes import checked
from aios.exporting.sources import Source, open_source
from aios.exporting.sources.base import SAVED_MODEL
from aios.exporting.sources.keras_model import KerasSource
from aios.exporting.streams import with_stream
from aios.proving import Prover, open_prover
from aios.tensorflow_log import only_errors


def export(
    model: Any,
    path: str | Path,
    *,
    samples: object = None,
    tolerance: arguments.Tolerances | None = None,
    engines: str | Sequence[str] = "all",
    precisions: str | Sequence[str] = (FLOAT32,),
    labels: Sequence[str] | None = None,
    input_range: arguments.InputRange | None = None,
    sizes: Mapping[str, Sequence[int | tuple[int, ...]]] | None = None,
    stream: bool = False,
    overwrite: bool = False,
) -> ExportReport:
    """Exports a model as a bundle that carries its own proof.

    Every artifact is run through the C++ cell on the golden samples before anything is published;
    one that misses its tolerance is recorded with its error and never loaded.

    Args:
        model: A built Keras model on any backend, the path of a .keras file or of a SavedModel
            directory (all its signatures), or a tf.Module with tf.function methods.
        path: The bundle directory to write, as "digits.cell".
        samples: Inputs to keep as golden samples: an array whose axis 0 counts samples, or for
            several inputs a dict of such arrays by name; for several signatures a dict of those by
            signature. At most 64 are kept. None draws them.
        tolerance: Allowed error of float32 artifacts: a Tolerance, or a number t for
            Tolerance(t, t); None for the default of the coarsest float type that the model
            calculates in: its own answers are no more exact. A dict gives those of several
            precisions, as {"int8": 0.03}. A precision that isn't named has its own, of
            aios.bundle.precision.TOLERANCES, or float32's where that is wider.
        engines: "all", or the engines to make artifacts for.
        precisions: Lower precisions to make artifacts in besides "float32", which is always made:
            "float16" and "int8" (litert), "bfloat16" (openvino). What can't be made is declined.
            They run only where `aios.load` allows it, as precision="fastest" does.
        labels: Class names, in the order of the model's output.
        input_range: The values that inputs will have, as {"x": (-1e6, 1e6)}, or one pair for the
            only input of floats: every artifact must answer well in all of that range, and is asked
            nothing outside. Where none is given, that is 100 times the samples' largest value; an
            artifact that answers wrongly beyond is kept with the range that it is proved for, and
            `auto` takes it only if no other is proved further.
        sizes: For a model that leaves inner sizes open, those to prepare for, by input: each a
            tuple of the open ones, or a number where there is one, as {"x": [16, 64]}. Several
            inputs have as many, which belong together. Each is compiled, converted where an engine
            can't take all sizes, and proved on samples cut or repeated to it. The samples' own
            size is always among them; others are answered by the engines that take any.
        stream: Make a stream beside the whole model, for inputs [batch, time, …]: `bridge.stream()`
            then answers frame by frame. It is proved to answer as the whole sequence is answered. A
            model that can't be one is exported without it; a warning names the layer.
        overwrite: Replace a bundle that is there already, in one atomic step.

    Raises:
        InvalidArgumentError: An argument is of the wrong type or shape.
        NotFoundError: `model` is a path where nothing is.
        FailedPreconditionError: `path` exists, can't be written to, or no engine gave the model's
            answers.
        UnsupportedError: No engine can run the model; the message says why, engine by engine.
        OverloadedError: The disk is full; nothing is left of the export.
    """
    started = time.perf_counter()
    wanted = arguments.engine_names(engines)
    lowered = arguments.precision_names(precisions)
    arguments.tolerances_of(tolerance, lowered)
    arguments.label_names(labels)
    arguments.input_ranges_of(input_range)
    target = arguments.target_directory(path, overwrite=overwrite)
    with only_errors():
        source = open_source(model)
    with (
        only_errors(),
        only_new_objects_collected(),
        open_prover() as prover,
        pending_directory(target) as work,
    ):
        source.save(work / SAVED_MODEL, samples)
        allowed = arguments.tolerances_of(tolerance, lowered, source.floats())
        names = arguments.label_names(labels, source.signatures[0])
        asked = arguments.input_ranges_of(input_range, source.signatures)
        prepared = checked(source.signatures, sizes)
        sets = gathered(source, samples, allowed[FLOAT32], asked, prepared)
        manifest = build(work, source, sets, wanted, allowed, prover=prover)
        manifest = replace(manifest, labels=names, provenance=provenance(source, sets))
        manifest, layers = _with_diverging_layers(work, manifest, source, sets, prover)
        _require_one_passed(manifest)
        if stream:
            manifest = with_stream(
                work, manifest, source, sets, tolerance=allowed[FLOAT32], prover=prover
            )
        write_manifest(work, manifest)
        publish(work, target, overwrite=overwrite)
    report = report_of(Path(path), manifest, sets, layers, time.perf_counter() - started)
    for note in notes(sets, manifest):
        warnings.warn(note, stacklevel=2)
    return report


def _with_diverging_layers(
    work: Path, manifest: Manifest, source: Source, sets: Sequence[GoldenSet], prover: Prover
) -> tuple[Manifest, dict[str, str]]:
    """Names, in the reason of a failed artifact, the Keras layer in which it goes wrong."""
    found = {}
    artifacts = []
    for artifact in manifest.artifacts:
        layer = None
        exact = artifact.precision == FLOAT32
        if exact and artifact.verdict == "failed" and type(source) is KerasSource:
            try:
                layer = first_diverging_layer(
                    source, sets[0], artifact.engine, artifact.tolerance, work, prover=prover
                )
            except Exception as error:
                contained(error)
        if layer is not None:
            found[artifact.engine] = layer
            reason = f"{artifact.reason}; it first diverges in layer {layer}"
            artifact = replace(artifact, reason=reason)  # noqa: PLW2901
        artifacts.append(artifact)
    return replace(manifest, artifacts=tuple(artifacts)), found


def _require_one_passed(manifest: Manifest) -> None:
    made = [artifact for artifact in manifest.artifacts if artifact.precision == FLOAT32]
    if any(artifact.verdict == "passed" for artifact in made):
        return
    reasons = "; ".join(f"{a.engine} {a.verdict}: {a.reason}" for a in made)
    if any(artifact.reason == OUT_OF_MEMORY for artifact in made):
        raise MemoryError(f"nothing was exported ({reasons})")
    kind: type[AiosError] = FailedPreconditionError
    if all(artifact.verdict == "declined" for artifact in made):
        kind = UnsupportedError
    raise kind(
        f"nothing was exported: no engine gives the model's answers ({reasons})"
        + _tolerance_hint(made)
    )


def _tolerance_hint(artifacts: Sequence[ArtifactRecord]) -> str:
    """Which tolerance= the nearest of the failed artifacts would need, if one could help."""
    needed = [
        artifact.worst * max(artifact.tolerance.absolute, artifact.tolerance.relative)
        for artifact in artifacts
        if artifact.verdict == "failed" and artifact.worst is not None and artifact.worst > 1
    ]
    if not needed or min(needed) > MAX_TOLERANCE / 2:
        return ""
    return f"; if such errors are small enough for you, pass tolerance=, as {2 * min(needed):.0e}"
