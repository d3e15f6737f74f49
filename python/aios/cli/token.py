"""`aios token`: who may ask a server for what."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from aios.cli.output import JsonFlag, data, print_json, reports_errors, talk
from aios.cli.tables import Column, Listing

app = typer.Typer(name="token", help="Bearer tokens of a server's clients.", no_args_is_help=True)

FileOption = Annotated[
    Path, typer.Option("--token-file", "-f", help="The file that `aios serve --token-file` reads.")
]


@app.command()
@reports_errors
def new(
    *,
    token_file: FileOption,
    scope: Annotated[
        str, typer.Option(help="infer: call models; admin: also load, unload and configure.")
    ] = "infer",
    note: Annotated[str, typer.Option(help="Who or what it is for.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Make a token and print it; it can't be printed again."""
    from aios.server.tokens import TokenFile

    token, text = TokenFile(token_file).new(scope, note)
    if as_json:
        print_json({"id": token.id, "scope": token.scope, "token": text})
        return
    talk.print(
        Text(f"token {token.id}, scope {token.scope}: only its hash is in {token_file}"),
        soft_wrap=True,
    )
    data.print(Text(text), soft_wrap=True)


@app.command("list")
@reports_errors
def list_tokens(*, token_file: FileOption, as_json: JsonFlag = False) -> None:
    """List tokens, oldest first; never their text."""
    from aios.server.tokens import TokenFile

    tokens = TokenFile(token_file).read()
    if as_json:
        print_json({"tokens": [asdict(token) for token in tokens]})
        return
    listing = Listing(Column("token"), Column("scope"), Column("made"), Column("for"))
    for token in tokens:
        listing.add(token.id, token.scope, token.created, token.note)
    listing.print(data)


@app.command()
@reports_errors
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `aios token list` shows it.")],
    *,
    token_file: FileOption,
    as_json: JsonFlag = False,
) -> None:
    """Take a token away; servers refuse it within about a second."""
    from aios.server.tokens import TokenFile

    TokenFile(token_file).revoke(token_id)
    if as_json:
        print_json({"revoked": token_id})
    else:
        talk.print(Text(f"token {token_id}: revoked"))
