"""`aios inspect`: what a bundle holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from aios.bundle.dtypes import describe
from aios.bundle.manifest import ArtifactRecord, Manifest, read_manifest
from aios.bundle.precision import FLOAT32
from aios.bundle.ranges import described
from aios.cli.output import JsonFlag, data, print_json, reports_errors
from aios.cli.streams import print_stream
from aios.cli.suggestions import require_bundle
from aios.cli.tables import Column, Listing, size


@reports_errors
def inspect(
    bundle: Annotated[Path, typer.Argument(help="A bundle directory, as digits.cell.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Show signatures, artifacts, sizes, errors and provenance of a bundle."""
    require_bundle(bundle)
    manifest = read_manifest(bundle)
    if as_json:
        print_json(summary(manifest))
        return
    _print_signatures(bundle, manifest)
    artifact_listing(manifest.artifacts).print(data)
    print_proofs(manifest.artifacts)
    print_stream(manifest)
    _print_isolated(manifest)
    _print_provenance(manifest)


def summary(manifest: Manifest) -> dict[str, Any]:
    """The JSON of `aios inspect`."""
    return {
        "format_version": manifest.format_version,
        "signatures": [asdict(signature) for signature in manifest.signatures],
        "labels": manifest.labels,
        "artifacts": artifact_rows(manifest.artifacts),
        "stream": None if manifest.stream is None else asdict(manifest.stream),
        "input_ranges": manifest.input_ranges,
        "provenance": manifest.provenance,
    }


def _print_signatures(bundle: Path, manifest: Manifest) -> None:
    for signature in manifest.signatures:
        data.print(Text(f"{bundle}  signature {signature.name}", style="bold"))
        for role, specs in (("input", signature.inputs), ("output", signature.outputs)):
            for spec in specs:
                data.print(Text(f"  {role:<6} {spec.name}: {describe(spec.dtype, spec.shape)}"))
    if manifest.labels is not None:
        data.print(Text(f"  labels {', '.join(manifest.labels)}"))


def artifact_rows(artifacts: Iterable[ArtifactRecord]) -> list[dict[str, Any]]:
    """The JSON of artifacts, as every command shows them."""
    return [
        {
            "engine": artifact.engine,
            "target": artifact.target,
            "precision": artifact.precision,
            "verdict": artifact.verdict,
            "max_error": artifact.max_error,
            "relative_error": artifact.relative_error,
            "top1_agreement": artifact.top1_agreement,
            "tolerance": asdict(artifact.tolerance),
            "proven_range": artifact.proven_range,
            "probes": artifact.probes,
            "propagated": artifact.propagated,
            "proved_in_child": artifact.proved_in_child,
            "reason": artifact.reason,
            "bytes": artifact.bytes,
        }
        for artifact in artifacts
    ]


def artifact_listing(artifacts: Iterable[ArtifactRecord]) -> Listing:
    """A row per artifact: how it did and how large it is; below them, why one isn't used."""
    listing = Listing(
        "engine",
        Column("target", usual="any"),
        Column("precision", usual=FLOAT32),
        "verdict",
        Column("max error", right=True),
        Column("accuracy", right=True),
        Column("size", right=True),
    )
    for artifact in artifacts:
        listing.add(
            artifact.engine,
            artifact.target,
            artifact.precision,
            artifact.verdict,
            "" if artifact.max_error is None else f"{artifact.max_error:.1e}",
            _accuracy(artifact),
            size(artifact.bytes) if artifact.bytes else "",
        )
        if artifact.reason:
            listing.note(artifact_name(artifact), artifact.reason)
    return listing


def artifact_name(artifact: ArtifactRecord) -> str:
    """What tells an artifact from the bundle's others, as "compiled x86-64-v3" or "litert int8"."""
    target = "" if artifact.target == "any" else f" {artifact.target}"
    return (
        artifact.engine
        + target
        + ("" if artifact.precision == FLOAT32 else f" {artifact.precision}")
    )


def _accuracy(artifact: ArtifactRecord) -> str:
    """How often a classifier names the training model's class; else the usual relative error."""
    if artifact.top1_agreement is not None:
        return f"{artifact.top1_agreement:.1%} top-1"
    return "" if artifact.relative_error is None else f"{artifact.relative_error:.1e} rel."


def print_proofs(artifacts: Iterable[ArtifactRecord]) -> None:
    """How near the training model's answers what passed is proved to be, and for which inputs."""
    named: dict[str, list[str]] = {}
    for artifact in artifacts:
        if artifact.verdict == "passed":
            named.setdefault(_proof(artifact), []).append(artifact_name(artifact))
    if named:
        data.print()
    for proof, names in named.items():
        data.print(Text(f"{', '.join(names)}: {proof}"))


def _proof(artifact: ArtifactRecord) -> str:
    tolerance = artifact.tolerance
    proof = (
        f"within {tolerance.absolute:.2g} of the largest value and {tolerance.relative:.2g} of each"
    )
    if artifact.proven_range:
        proof += f", for {described(artifact.proven_range)}"
    if artifact.probes is not None and artifact.propagated is not None:
        hidden = artifact.probes - artifact.propagated
        proof += f"; hides NaN or infinities in {hidden} of {artifact.probes} probes"
    return proof


def _print_isolated(manifest: Manifest) -> None:
    names = [artifact_name(item) for item in manifest.artifacts if item.proved_in_child]
    if names:
        data.print()
        data.print(Text(f"run in a child process only, at export: {', '.join(names)}"))


def _print_provenance(manifest: Manifest) -> None:
    data.print()
    listing = Listing()
    for name, value in manifest.provenance.items():
        shown = (
            ", ".join(f"{key} {entry}" for key, entry in value.items())
            if isinstance(value, dict)
            else str(value)
        )
        listing.note(name, shown)
    listing.print(data)
