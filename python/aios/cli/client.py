"""`aios client`: a server's answers on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from aios.cli.array_files import read_arrays, write_arrays
from aios.cli.arrays import document_of, print_arrays
from aios.cli.output import JsonFlag, print_json, reports_errors, talk

app = typer.Typer(name="client", help="Ask a server of models.", no_args_is_help=True)


@app.command()
@reports_errors
def infer(
    url: Annotated[
        str, typer.Argument(help="A server, as http://127.0.0.1:8501, https://… or unix:/…")
    ],
    model: Annotated[str, typer.Argument(help="A model's name.")],
    *,
    inputs: Annotated[
        Path,
        typer.Option("--input", "-i", help="A .npy for one input, a .npz by name for several."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .npy or .npz to write; else answers are printed."),
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=0, help="A version; else the newest answers.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="AIOS_TOKEN", help="Where the server has a token file.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(help="Of https: PEM that the server's certificate comes from.")
    ] = None,
    timeout_s: Annotated[float, typer.Option(min=0.001, help="For the answer.")] = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Answer a batch of inputs."""
    from aios.server.client import Client

    x = read_arrays("--input", inputs)
    with Client(url, timeout_s=timeout_s, token=token, ca=ca) as client:
        answer = client.infer(model, x, version=version)
    arrays = answer if isinstance(answer, dict) else {"output": answer}
    if output is not None:
        write_arrays("--output", output, arrays)
        talk.print(Text(f"{output}: written"))
    if as_json:
        shown = {
            name: document_of(array, with_values=output is None) for name, array in arrays.items()
        }
        print_json({"outputs": shown})
    elif output is None:
        print_arrays(arrays)
