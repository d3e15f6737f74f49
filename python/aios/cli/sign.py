"""`aios keygen` and `aios sign`: who made a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from aios.cli.output import JsonFlag, data, print_json, reports_errors
from aios.cli.suggestions import require_bundle


@reports_errors
def keygen(
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The secret key, as release.pem.")],
    as_json: JsonFlag = False,
) -> None:
    """Make an Ed25519 key to sign bundles with, and the public key beside it."""
    from aios.bundle.signing import make_keys

    public = make_keys(output)
    if as_json:
        print_json({"secret": str(output), "public": str(public)})
        return
    data.print(Text(f"{output}: keep it secret"), soft_wrap=True)
    data.print(Text(f"{public}: for aios serve --require-signature"), soft_wrap=True)


@reports_errors
def sign(
    bundle: Annotated[Path, typer.Argument(help="A bundle directory, as digits.cell.")],
    *,
    key: Annotated[Path, typer.Option(help="The secret key.")],
    as_json: JsonFlag = False,
) -> None:
    """Sign a bundle; sign it again after aios compile, which changes it."""
    require_bundle(bundle)
    from aios.bundle.signing import sign as sign_bundle

    file = sign_bundle(bundle, key)
    if as_json:
        print_json({"signature": str(file)})
    else:
        data.print(Text(f"{file}: signed"), soft_wrap=True)
