"""`aios registry`: versions, aliases and lineage of the models in a home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.tables import Column, Listing
from aios.cli.workflow import HOME, HomeOption, open_manager

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aios.registry.model_version import ModelVersion

app = typer.Typer(
    name="registry", help="Versions of models, and which of them answers.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(help="A model's name.")]
AliasOption = Annotated[str, typer.Option(help="The alias to move.")]


@app.command("list")
@reports_errors
def list_versions(
    name: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    *,
    home: HomeOption = HOME,
    as_json: JsonFlag = False,
) -> None:
    """List versions with their aliases, oldest first."""
    with open_manager(home, "read") as manager:
        _print_versions(manager.registry.versions(name), as_json)


@app.command()
@reports_errors
def promote(
    name: NameArgument,
    version: Annotated[int, typer.Argument(min=1, help="The version that shall answer.")],
    *,
    alias: AliasOption = "champion",
    after_shadow: Annotated[
        bool,
        typer.Option(
            "--after-shadow",
            help="Only if it agreed with the version that answers now: see aios serve's shadows.",
        ),
    ] = False,
    min_compared: Annotated[
        int, typer.Option(min=1, help="With --after-shadow: calls that must have been compared.")
    ] = 1000,
    min_agreement: Annotated[
        float, typer.Option(min=0, max=1, help="With --after-shadow: the share that must agree.")
    ] = 0.99,
    home: HomeOption = HOME,
    as_json: JsonFlag = False,
) -> None:
    """Let an alias name a version, in one transaction."""
    with open_manager(home) as manager:
        if after_shadow:
            from aios.registry.shadow_results import require_agreement, told

            champion = manager.registry.resolve(name, alias).version
            result = require_agreement(
                manager.home.store, name, version, champion,
                compared=min_compared, agreement=min_agreement,
            )  # fmt: skip
            talk.print(Text(f"{name} version {version}: {told(result)}"), soft_wrap=True)
        _print_moved(manager.promote(name, version, alias), alias, as_json)


@app.command()
@reports_errors
def rollback(
    name: NameArgument,
    *,
    alias: AliasOption = "champion",
    home: HomeOption = HOME,
    as_json: JsonFlag = False,
) -> None:
    """Let an alias name the version that it named before."""
    with open_manager(home) as manager:
        _print_moved(manager.rollback(name, alias), alias, as_json)


@app.command()
@reports_errors
def lineage(
    *,
    name: Annotated[str | None, typer.Option(help="A model.")] = None,
    version: Annotated[int | None, typer.Option(help="One of its versions.")] = None,
    run: Annotated[str | None, typer.Option(help="A run's id.")] = None,
    data_hash: Annotated[str | None, typer.Option("--data", help="A data hash.")] = None,
    bundle: Annotated[str | None, typer.Option(help="A bundle's hash.")] = None,
    home: HomeOption = HOME,
    as_json: JsonFlag = False,
) -> None:
    """Follow data, run, bundle and version, from whichever end is given."""
    with open_manager(home, "read") as manager:
        found = manager.registry.lineage(
            name=name, version=version, run_id=run, data_sha256=data_hash, sha256=bundle
        )
    if as_json:
        print_json({"versions": [item.to_json() for item in found]})
        return
    listing = Listing("data", "run", "bundle", "version", Column("aliases", folds=True))
    for item in found:
        listing.add(
            item.data_sha256[:12],
            item.run_id,
            item.sha256[:12],
            f"{item.name} {item.version}{' (deleted)' if item.deleted else ''}",
            ", ".join(item.aliases),
        )
    listing.print(data)


@app.command()
@reports_errors
def prune(
    name: NameArgument,
    *,
    keep: Annotated[int, typer.Option(min=0, help="How many of the newest to keep.")] = 5,
    home: HomeOption = HOME,
    as_json: JsonFlag = False,
) -> None:
    """Delete old bundles; never one that an alias names or would go back to."""
    with open_manager(home) as manager:
        _print_versions(manager.registry.prune(name, keep), as_json)


def _print_versions(versions: Sequence[ModelVersion], as_json: bool) -> None:
    if as_json:
        print_json({"versions": [item.to_json() for item in versions]})
        return
    listing = Listing(
        Column("name", folds=True),
        Column("version", right=True),
        Column("aliases", folds=True),
        "sha256",
        "run",
    )
    for item in versions:
        listing.add(
            item.name,
            str(item.version),
            ", ".join(item.aliases),
            item.sha256[:12],
            item.run_id,
        )
        listing.note(f"{item.name} {item.version}", item.bundle)
    listing.print(data)


def _print_moved(version: ModelVersion, alias: str, as_json: bool) -> None:
    if as_json:
        print_json({**version.to_json(), "alias": alias})
    else:
        data.print(Text(f"{version.name}@{alias} is version {version.version}"))
