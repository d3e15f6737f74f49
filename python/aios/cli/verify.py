"""`aios verify`: does a bundle answer here as it did where it was exported?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from aios.bundle.manifest import Manifest, read_manifest
from aios.bundle.precision import FLOAT32
from aios.cli.environment import native_log_left_out, prepare_tensorflow
from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.streams import stream_row
from aios.cli.suggestions import engine_names, require_bundle
from aios.cli.tables import Column, Listing


@reports_errors
def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle directory, as digits.cell.")],
    *,
    engine: Annotated[
        str | None, typer.Option(help="Only these engines, as compiled,litert; else all.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads that one call may use.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Check every file's hash, then run all golden samples on every engine on this CPU.

    An engine that isn't installed here isn't run, which is no failure as long as another one is.
    """
    wanted = None if engine is None else engine_names("--engine", engine)
    require_bundle(bundle)
    prepare_tensorflow(threads)
    from aios.proving import open_prover

    manifest = read_manifest(bundle)
    with native_log_left_out(), open_prover() as prover:
        entries = prover.verify(bundle, threads=threads, only=wanted)
        stream = stream_row(bundle, manifest, prover) if wanted is None else None
    checked = [
        {
            "engine": entry.engine,
            "target": entry.target,
            "precision": entry.precision,
            "ok": entry.ok,
            "not_run": entry.not_run,
            "worst": entry.worst if entry.samples else None,
            "max_error": entry.max_error if entry.samples else None,
            "relative_error": entry.relative_error,
            "top1_agreement": entry.top1_agreement,
            "samples": entry.samples,
            "sample": entry.sample if entry.tensor else None,
            "tensor": entry.tensor or None,
            "reason": entry.reason or None,
        }
        for entry in entries
    ]
    ran = [row for row in checked if not row["not_run"]]
    good = bool(ran) and all(row["ok"] for row in ran)
    good = good and (stream is None or stream["not_run"] or stream["ok"])
    if as_json:
        print_json({"ok": good, "artifacts": checked, "stream": stream})
    else:
        rows = checked if stream is None else [*checked, stream]
        _print(bundle, manifest, rows, good)
    if not good:
        raise typer.Exit(1)


def _print(bundle: Path, manifest: Manifest, rows: list[dict[str, Any]], good: bool) -> None:
    listing = Listing(
        "engine",
        Column("target", usual="any"),
        Column("precision", usual=FLOAT32),
        "verdict",
        Column("samples", right=True),
        Column("worst, in tolerances", right=True),
    )
    for row in rows:
        worst = "" if row["worst"] is None else f"{row['worst']:.2g}"
        listing.add(
            row["engine"],
            row["target"],
            row["precision"],
            _verdict(row),
            str(row["samples"]),
            worst,
            note=row["reason"] or "",
        )
    listing.print(data)
    for artifact in manifest.artifacts:
        if artifact.verdict != "passed":
            talk.print(
                Text(
                    f"not run: {artifact.engine} {artifact.precision}, {artifact.verdict} at "
                    f"export: {artifact.reason}"
                )
            )
    if good:
        talk.print(Text(f"{bundle}: every file and every answer is what was exported"))
    elif not rows:
        talk.print(Text(f"{bundle}: nothing was verified; see: aios inspect {bundle}"))
    elif all(row["not_run"] for row in rows):
        talk.print(Text(f"{bundle}: nothing could be run here; what is missing: aios doctor"))
    else:
        talk.print(Text(f"{bundle}: failed"))


def _verdict(row: dict[str, Any]) -> Text:
    if row["not_run"]:
        return Text("not run", "yellow")
    return Text("ok", "green") if row["ok"] else Text("failed", "red")
