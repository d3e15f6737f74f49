"""`aios inspect`: what a bundle holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from aios.bundle.manifest import ArtifactRecord, Manifest, TensorRecord, read_manifest
from aios.cli.output import JsonFlag, data, print_json, reports_errors
from aios.cli.suggestions import require_bundle


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
    data.print(artifact_table(manifest.artifacts))
    _print_provenance(manifest)


def summary(manifest: Manifest) -> dict[str, Any]:
    """The JSON of `aios inspect`."""
    return {
        "format_version": manifest.format_version,
        "signatures": [asdict(signature) for signature in manifest.signatures],
        "labels": manifest.labels,
        "artifacts": artifact_rows(manifest.artifacts),
        "provenance": manifest.provenance,
    }


def _print_signatures(bundle: Path, manifest: Manifest) -> None:
    for signature in manifest.signatures:
        data.print(Text(f"{bundle}  signature {signature.name}", style="bold"))
        for role, specs in (("input", signature.inputs), ("output", signature.outputs)):
            for spec in specs:
                data.print(Text(f"  {role:<6} {spec.name}: {_described(spec)}"))
    if manifest.labels is not None:
        data.print(Text(f"  labels {', '.join(manifest.labels)}"))


def _described(spec: TensorRecord) -> str:
    return f"{spec.dtype}[{','.join(map(str, spec.shape))}]"


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
            "reason": artifact.reason,
            "bytes": artifact.bytes,
        }
        for artifact in artifacts
    ]


def artifact_table(artifacts: Iterable[ArtifactRecord]) -> Table:
    """A row per artifact: how it did, how large it is, and why it isn't used."""
    table = Table(
        "engine", "target", "precision", "verdict", "max error", "accuracy", "bytes", "reason"
    )
    for artifact in artifacts:
        error = "" if artifact.max_error is None else f"{artifact.max_error:.2g}"
        table.add_row(
            artifact.engine,
            artifact.target,
            artifact.precision,
            artifact.verdict,
            error,
            _accuracy(artifact),
            f"{artifact.bytes:,}",
            Text(artifact.reason or ""),
        )
    return table


def _accuracy(artifact: ArtifactRecord) -> str:
    """How often a classifier names the training model's class; else the usual relative error."""
    if artifact.top1_agreement is not None:
        return f"{artifact.top1_agreement:.1%} top-1"
    return "" if artifact.relative_error is None else f"{artifact.relative_error:.1e} relative"


def _print_provenance(manifest: Manifest) -> None:
    for name, value in manifest.provenance.items():
        shown = (
            ", ".join(f"{key} {entry}" for key, entry in value.items())
            if isinstance(value, dict)
            else value
        )
        data.print(Text(f"{name}: {shown}"))
