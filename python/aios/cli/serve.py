"""`aios serve`: models of a folder over the network."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from aios.cli.environment import prepare_tensorflow
from aios.cli.output import JsonFlag, data, reports_errors, talk
from aios.cli.suggestions import engine_names

if TYPE_CHECKING:
    from aios.server import Server


@reports_errors
def serve(
    *,
    models: Annotated[
        Path,
        typer.Option(
            "--models",
            "-m",
            help="A folder with NAME/VERSION.cell or NAME/VERSION/saved_model.pb, or a bundle.",
        ),
    ],
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8501,
    threads: Annotated[int, typer.Option(min=1, help="I/O threads.")] = 1,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads for slower models; else one a CPU.")
    ] = None,
    engine: Annotated[str, typer.Option(help="auto, or the engine to run on.")] = "auto",
    verify: Annotated[
        str, typer.Option(help="quick, full or off: what is checked before a version answers.")
    ] = "quick",
    poll_s: Annotated[
        float, typer.Option(min=0, help="How often the folder is looked at; 0: once.")
    ] = 1.0,
    drain_s: Annotated[
        float, typer.Option(min=0, help="How long the last requests may take at the end.")
    ] = 30.0,
    as_json: JsonFlag = False,
) -> None:
    """Serve models to TensorFlow Serving's and Triton's HTTP clients.

    SIGTERM ends it when the requests that are under way are answered; a second one at once.
    """
    (name,) = engine_names("--engine", engine, extra=("auto",))[:1]
    prepare_tensorflow()
    from aios.server import Server

    stopped = _stop_at_signals()
    with Server(
        models, host=host, http_port=http_port, io_threads=threads, workers=workers, engine=name,
        verify=verify, poll_s=poll_s,
    ) as server:  # fmt: skip
        _tell(server, as_json)
        stopped.wait()
        talk.print("answering what is under way; another signal ends it at once")
        server.drain(drain_s)


def _stop_at_signals() -> threading.Event:
    """Set at the first SIGTERM or SIGINT; the next one ends the process as the system does."""
    stopped = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        stopped.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    return stopped


def _tell(server: Server, as_json: bool) -> None:
    from aios.server.server import described

    entries = server.models()
    if as_json:
        ready = {
            "http_port": server.http_port,
            "grpc_port": None,
            "pid": os.getpid(),
            "models": [described(entry) for entry in entries],
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        return
    for entry in entries:
        reason = "" if entry.found.is_proven else ", unproven: aios export proves it"
        reason += f": {entry.error}" if entry.error is not None else ""
        talk.print(
            Text(f"{entry.key.name} version {entry.key.version} {entry.state.value}{reason}"),
            soft_wrap=True,
        )
    data.print(Text(f"HTTP {server.url}"), soft_wrap=True)
    sys.stdout.flush()
