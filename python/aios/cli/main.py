"""The `aios` command."""

from __future__ import annotations

from typing import Annotated

import typer

import aios
from aios.cli import demo, inspect, registry, workflow

app = typer.Typer(
    name="aios",
    help="Train in Keras, run in C++ in microseconds, with proof that the answers are the same.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("inspect")(inspect.inspect)
app.add_typer(workflow.app)
app.add_typer(registry.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aios {aios.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the console script."""
    app()
