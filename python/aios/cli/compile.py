"""`aios compile`: native code for another machine, or C++ sources that need no aios."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from aios.bundle.manifest import read_manifest
from aios.cli.inspect import artifact_listing, artifact_rows
from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.suggestions import require_bundle
from aios.errors import FailedPreconditionError, did_you_mean


@reports_errors
def compile_(
    bundle: Annotated[Path, typer.Argument(help="A bundle directory, as digits.cell.")],
    *,
    target: Annotated[
        str, typer.Option(help="native, x86-64-v3, x86-64-v4, or aarch64 with a cross compiler.")
    ] = "native",
    emit: Annotated[
        Path | None,
        typer.Option(help="Write C++ sources there instead, which build without aios."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="With --emit: what the model is called in C.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --emit: write into a folder with files.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Without algorithms that are faster and lose bits.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Compile a bundle's model for a target, and verify it on this machine if that can run it."""
    from aios.compiler.toolchain import TARGETS

    if target not in TARGETS:
        raise typer.BadParameter(
            f"expected any of {', '.join(TARGETS)}, got '{target}'{did_you_mean(target, TARGETS)}",
            param_hint="--target",
        )
    require_bundle(bundle)
    if emit is not None:
        _require_free(emit, overwrite)
        written = _emit(
            bundle, emit, target=target, name=name or _identifier(bundle.stem), exact=exact
        )
        _print_files(written, emit, as_json)
        return
    if name is not None or overwrite:
        raise typer.BadParameter("--name and --overwrite go with --emit", param_hint="--emit")
    from aios.exporting.recompile import compile_bundle

    talk.print(Text(f"compiling {bundle} for {target} …"))
    made = compile_bundle(bundle, target, exact=exact)
    if as_json:
        print_json(_document(made))
    else:
        artifact_listing([made.record]).print(data)
    if made.record.verdict == "pending":
        talk.print(Text(f"{made.record.reason}; compile it there, too, before it serves"))
    if made.record.verdict == "failed":
        raise typer.Exit(1)


def _document(made: Any) -> dict[str, Any]:
    (row,) = artifact_rows([made.record])
    return {
        **row,
        "batch_sizes": made.artifact.batch_sizes,
        "workspace_bytes": made.artifact.workspace_bytes,
        "multiply_adds": made.artifact.multiply_adds,
        "compiler": made.artifact.compiler,
        "seconds": made.artifact.seconds,
    }


def _identifier(word: str) -> str:
    """A C identifier that is like `word`."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", word)
    return plain if re.match("[A-Za-z]", plain) else f"model_{plain}"


def _require_free(folder: Path, overwrite: bool) -> None:
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not overwrite)):
        raise FailedPreconditionError(
            f"'{folder}' exists already; pass --overwrite to write into it, or choose another name"
        )


def _emit(bundle: Path, folder: Path, *, target: str, name: str, exact: bool) -> list[Path]:
    from aios.compiler import emit_sources
    from aios.exporting.recompile import source_graphs

    graphs = source_graphs(bundle, read_manifest(bundle))
    return emit_sources(graphs, folder, name=name, target=target, exact=exact)


def _print_files(files: list[Path], folder: Path, as_json: bool) -> None:
    if as_json:
        print_json({"files": files})
        return
    for file in files:
        data.print(Text(str(file)))
    talk.print(Text(f"build: cmake -S {folder} -B {folder}/build && cmake --build {folder}/build"))
