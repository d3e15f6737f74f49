"""Compiled artifacts of bundles: made from the bundle's own graphs, and proved on its samples."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aios.bundle.golden_samples import GoldenSamples
from aios.bundle.manifest import (
    MANIFEST,
    MANIFEST_HASH,
    ArtifactRecord,
    GraphRecord,
    Manifest,
    hash_file,
    read_manifest,
    write_manifest,
)
from aios.bundle.publish import pending_directory, publish
from aios.compiler.artifact import MODEL_WEIGHTS, CompiledArtifact, compile_graphs
from aios.compiler.toolchain import find_toolchain
from aios.errors import CorruptBundleError, UnsupportedError
from aios.exporting.judging import BatchCall, Judge, probed_batches
from aios.proving import open_prover

#: The folder of the graphs in a bundle, b1.tflite and b8.tflite.
SOURCE = "compiled/source"
BATCHES = (1, 8)


@dataclass(frozen=True, slots=True)
class BundleCompilation:
    """What `compile_bundle` made: the bundle's record of it, and what the compiler tells."""

    record: ArtifactRecord
    artifact: CompiledArtifact


def compile_bundle(
    path: str | Path, target: str = "native", *, exact: bool = False
) -> BundleCompilation:
    """Compiles a bundle for a target, and puts the artifact into it in one atomic step.

    It is verified on the bundle's golden samples, alone and in batches. An artifact that this
    processor can't run stays pending, and no cell takes it: compile the bundle again, or verify it,
    on the machine that it is for.

    Args:
        path: The bundle's directory.
        target: `native`, `x86-64-v3`, `x86-64-v4` or `aarch64`.
        exact: As for `compile_graphs`; done anyway where the golden samples show a large error.

    Raises:
        NotFoundError: No bundle there, or no C++ compiler for the target; says what to install.
        UnsupportedError: The model can't be compiled, or AIOS_ALLOW_NATIVE=0 forbids it.
        InvalidArgumentError: An unknown target.
        CorruptBundleError: A file of the bundle isn't what was exported.
        OverloadedError: The disk is full; the bundle is as it was.
    """
    bundle = Path(path)
    manifest = read_manifest(bundle)
    if os.environ.get("AIOS_ALLOW_NATIVE") == "0":
        raise UnsupportedError(
            "AIOS_ALLOW_NATIVE=0 is set and refuses native code in bundles; unset it to compile"
        )
    find_toolchain(target)
    source_graphs(bundle, manifest)
    with pending_directory(bundle) as work:
        _copy(bundle, work)
        before = next(a for a in manifest.artifacts if a.engine == "compiled" and a.files)
        made = _proved(work, manifest, before, target, exact)
        others = [a for a in manifest.artifacts if not _is_same(a, target)]
        # Beside its kind: the order is that of preference where nothing was measured.
        place = 1 + max(i for i, a in enumerate(manifest.artifacts) if a.engine == "compiled")
        place = min(place, len(others))
        artifacts = (*others[:place], made.record, *others[place:])
        write_manifest(work, replace(manifest, artifacts=artifacts))
        publish(work, bundle, overwrite=True)
    return made


def source_graphs(bundle: Path, manifest: Manifest) -> dict[int, Path]:
    """The graphs that a bundle's model is compiled from, by batch, checked against their hashes.

    Raises:
        UnsupportedError: There are none: the compiler declined the model.
        CorruptBundleError: One isn't what was exported.
    """
    records = {
        file.path: file
        for artifact in manifest.artifacts
        if artifact.engine == "compiled"
        for file in artifact.files
    }
    sources = sorted({str(Path(name).parent) for name in records if name.startswith(SOURCE)})
    for name in (f"{folder}/b{batch}.tflite" for folder in sources for batch in BATCHES):
        if name not in records:
            continue
        if hash_file(bundle, name) != records[name]:
            raise CorruptBundleError(
                f"bundle file '{name}' isn't what was exported; export the bundle again"
            )
    if not sources:
        reasons = {a.reason for a in manifest.artifacts if a.engine == "compiled" and a.reason}
        raise UnsupportedError(
            f"bundle '{bundle}' has no graphs to compile: "
            + ("; ".join(sorted(reasons)) or "it was exported without the engine 'compiled'")
        )
    return _graphs_in(bundle / sources[0])


def compiled_record(
    work: Path,
    target: str,
    *,
    composable: bool,
    sizes: Sequence[Mapping[str, tuple[int, ...]]] = ({},),
    exact: bool = False,
) -> BundleCompilation:
    """Compiles the graphs in `work` to `compiled/TARGET/`; the record is pending.

    Args:
        work: The bundle's directory.
        target: As for `compile_graphs`.
        composable: Whether batches may be put together.
        sizes: The inner sizes that there are graphs for, by input; each has a folder of its own
            below `compiled/source/` and `compiled/TARGET/`.
        exact: As for `compile_graphs`.

    Raises:
        As `compile_graphs`.
    """
    files: list[str] = []
    graphs = []
    made = []
    for item in sizes:
        folder = folder_of(item)
        sources = _graphs_in(work / SOURCE / folder)
        out = work / "compiled" / target / folder
        made.append(compile_graphs(sources, out, target=target, name="model", exact=exact))
        paths = (*made[-1].files, *sources.values())
        _share_weights([work / "compiled" / target / folder_of(known) for known in sizes], out)
        written = [path.relative_to(work).as_posix() for path in paths]
        graphs.append(GraphRecord(written[0], sizes=dict(item)))
        files += written
    record = ArtifactRecord(
        engine="compiled",
        target=target,
        precision="float32",
        verdict="pending",
        files=tuple(hash_file(work, file) for file in files),
        graphs=tuple(graphs),
        composable=composable,
        batches=tuple(sorted(set().union(*(item.batch_sizes for item in made)))),
    )
    return BundleCompilation(record, made[0])


def _share_weights(folders: Sequence[Path], made: Path) -> None:
    """Links weights that another size has too; the engine then maps them once."""
    weights = made / MODEL_WEIGHTS
    for folder in folders[: folders.index(made)]:
        if filecmp.cmp(folder / MODEL_WEIGHTS, weights, shallow=False):
            try:
                weights.unlink()
                os.link(folder / MODEL_WEIGHTS, weights)
            except OSError:  # the file system has no hard links
                shutil.copyfile(folder / MODEL_WEIGHTS, weights)
            return


def folder_of(sizes: Mapping[str, Sequence[int]]) -> str:
    """A folder's name for inner sizes by input, as "16" or "224x224_64"; "." for none."""
    return "_".join("x".join(map(str, sizes[name])) for name in sizes) or "."


def _graphs_in(folder: Path) -> dict[int, Path]:
    return {batch: path for batch in BATCHES if (path := folder / f"b{batch}.tflite").exists()}


def _proved(
    work: Path, manifest: Manifest, before: ArtifactRecord, target: str, exact: bool
) -> BundleCompilation:
    samples = GoldenSamples(work, manifest, manifest.signatures[0])

    attempts: list[BundleCompilation] = []

    def compiled(exact: bool) -> ArtifactRecord:
        sizes = [graph.sizes for graph in before.graphs]
        made = compiled_record(work, target, composable=before.composable, sizes=sizes, exact=exact)
        attempts.append(replace(made, record=replace(made.record, tolerance=before.tolerance)))
        return attempts[-1].record

    def redo(strained: ArtifactRecord) -> ArtifactRecord:
        return strained if exact else compiled(True)

    with open_prover() as prover:  # its process starts while the compiler works
        first = compiled(exact)
        judge = Judge(
            work,
            prover,
            required=manifest.input_ranges,
            inputs=dict.fromkeys(manifest.input_ranges, samples.inputs),
            unrun=lambda artifact, reason: replace(artifact, reason=f"it isn't verified: {reason}"),
        )
        found = judge.judged(replace(manifest, artifacts=(first,)), redo)
        (record,) = judge.in_batches(
            replace(manifest, artifacts=found), partial(_calls, manifest, samples)
        )
    return replace(attempts[-1], record=record)


def _calls(
    manifest: Manifest, samples: GoldenSamples, artifact: ArtifactRecord
) -> Iterator[BatchCall]:
    """Batches of the golden samples, whose answers are those of the samples."""
    for batch in probed_batches(artifact):
        for inputs, references in samples.proving(artifact, batch):
            yield BatchCall(manifest.signatures[0].name, batch, inputs, references)


def _is_same(artifact: ArtifactRecord, target: str) -> bool:
    """Whether the new artifact takes the place of this one: its target's, or a declined row."""
    return artifact.engine == "compiled" and (artifact.target == target or not artifact.files)


def _copy(bundle: Path, work: Path) -> None:
    """Links what stays, so that a large bundle isn't copied; what is written anew is copied."""
    anew = {MANIFEST, MANIFEST_HASH}

    def link_or_copy(source: str, target: str) -> None:
        if Path(source).name not in anew:
            try:
                os.link(source, target)
            except OSError:  # the file system has no hard links
                pass
            else:
                return
        shutil.copy2(source, target)

    shutil.copytree(bundle, work, copy_function=link_or_copy, dirs_exist_ok=True)
