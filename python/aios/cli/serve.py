"""`aios serve`: models of a folder over the network."""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from aios.cli.environment import prepare_tensorflow
from aios.cli.output import JsonFlag, data, reports_errors, talk
from aios.cli.service_manager import notify
from aios.cli.suggestions import engine_names
from aios.errors import AiosError
from aios.server.config import SOURCES, ServerConfig
from aios.server.options import Option, options_of

if TYPE_CHECKING:
    from aios.server.server import Server

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file of these options; those given here come first."),
]


def _serve(*, config: Path | None = None, as_json: bool = False, **options: Any) -> None:
    """Serve models to TensorFlow Serving's and Triton's clients.

    SIGTERM ends it when the requests that are under way are answered; a second one at once.
    """
    if config is None and not any(options[source] for source in SOURCES):
        flags = " or ".join(f"--{source}" for source in SOURCES)
        raise typer.BadParameter(f"expected {flags}, or a --config that says it")
    if options["engine"] is not None:
        options["engine"] = engine_names("--engine", options["engine"], extra=("auto",))[0]
    prepare_tensorflow()
    from aios.server.server import Server

    stopped = _stop_at_signals()
    with Server(config=config, **options) as server:
        _reopen_log_at_signals(server)
        _tell(server, as_json)
        notify("READY=1")
        stopped.wait()
        notify("STOPPING=1")
        talk.print("answering what is under way; another signal ends it at once")
        server.drain(server.config.drain_s)


def _parameters() -> list[inspect.Parameter]:
    """The command's, as typer reads them: one for each option of a server."""
    shown = [each for each in options_of(ServerConfig) if each.flags]
    hints = {each.name: _hint(each) for each in shown}
    hints |= {"config": ConfigOption, "as_json": JsonFlag}
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if name == "as_json" else None,
            annotation=hint,
        )
        for name, hint in hints.items()
    ]


def _hint(of: Option) -> Any:
    """None stands for what isn't given, so that a file's option holds."""
    rule = of.rule
    is_shown = of.default is not None and of.kind is not bool
    text = f"{rule.doc} One of {', '.join(rule.choices)}." if rule.choices else rule.doc
    asked: Any = typer.Option(
        *of.flags,
        help=text,
        show_default=str(of.default) if is_shown else False,
        min=rule.minimum,
        max=rule.maximum,
    )
    return Annotated[of.kind | None, asked]


# typer and the page of commands read both.
_serve.__signature__ = inspect.Signature(_parameters())  # type: ignore[attr-defined]
_serve.__annotations__ = {each.name: each.annotation for each in _parameters()}
serve = reports_errors(_serve)


def _reopen_log_at_signals(server: Server) -> None:
    """SIGHUP is what tools that rotate logs send; without a log it ends the process as ever."""
    if server.config.access_log is None:
        return

    def reopen(_number: int, _frame: object) -> None:
        try:
            server.reopen_log()
        except AiosError as error:
            talk.print(f"the access log goes on where it was: {error}")

    signal.signal(signal.SIGHUP, reopen)


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
            "grpc_port": server.grpc_port,
            "unix_socket": None if server.unix_socket is None else str(server.unix_socket),
            "pid": os.getpid(),
            "models": [described(entry) for entry in entries],
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        return
    for entry in entries:
        unproven = "" if entry.found.is_proven else "unproven: aios export proves it"
        reason = f": {entry.reason or unproven}" if entry.reason or unproven else ""
        talk.print(
            Text(f"{entry.key.name} version {entry.key.version} {entry.state.value}{reason}"),
            soft_wrap=True,
        )
    if not entries:
        talk.print(Text(f"no models yet: {_how_they_come(server.config)}"), soft_wrap=True)
    data.print(Text(f"HTTP {server.url}"), soft_wrap=True)
    if server.grpc_url is not None:
        data.print(Text(f"gRPC {server.grpc_url}"), soft_wrap=True)
    talk.print(Text(f"dashboard {server.url}/"), soft_wrap=True)
    if server.unix_socket is not None:
        data.print(Text(f"HTTP unix:{server.unix_socket}"), soft_wrap=True)
    sys.stdout.flush()


def _how_they_come(config: ServerConfig) -> str:
    if config.poll_s == 0:
        return "and with poll_s = 0 none will come; start it again when there are some"
    if config.models is None:
        return f"a version that is registered in '{config.registry}' is served from then on"
    return f"put a bundle at {config.models}/NAME/1.cell, and it is served"
