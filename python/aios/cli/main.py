"""The `aios` command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from aios.cli import (
    bench,
    client,
    compile,
    demo,
    doctor,
    export,
    inspect,
    registry,
    run,
    serve,
    sign,
    token,
    verify,
    workflow,
)
from aios.cli.home import OptionalBackupFile
from aios.cli.output import reports_errors
from aios.errors import NotFoundError
from aios.version import __version__

app = typer.Typer(
    name="aios",
    help="Train in Keras, run in C++ in microseconds, with proof that the answers are the same.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("compile")(compile.compile_)
app.command("doctor", cls=OptionalBackupFile)(doctor.doctor)
app.command("export")(export.export)
app.command("inspect")(inspect.inspect)
app.command("verify")(verify.verify)
app.command("run")(run.run)
app.command("bench")(bench.bench)
app.command("serve")(serve.serve)
app.command("keygen")(sign.keygen)
app.command("sign")(sign.sign)
app.add_typer(workflow.app)
app.add_typer(registry.app)
app.add_typer(client.app)
app.add_typer(token.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aios {__version__}")
        raise typer.Exit


@reports_errors
def _print_cmake_dir(wanted: bool) -> None:
    if not wanted:
        return
    from aios.bridge.extension import is_extension_installed

    if not is_extension_installed():
        from aios.bridge.fallback.notice import remedy

        raise NotFoundError(f"this installation has no C++ library; {remedy()}")
    from aios import _core

    # Below it is lib/cmake/aios; in editable mode that is not where the Python files are.
    prefix = Path(_core.__file__).parent
    if not (prefix / "lib" / "cmake" / "aios").is_dir():
        raise NotFoundError(
            f"'{prefix}' has no CMake package: install the wheel of aios-cells again"
        )
    typer.echo(str(prefix))
    raise typer.Exit


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
    cmake_dir: Annotated[
        bool,
        typer.Option(
            "--cmake-dir",
            callback=_print_cmake_dir,
            is_eager=True,
            help="Where CMake finds the package aios, for CMAKE_PREFIX_PATH.",
        ),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
