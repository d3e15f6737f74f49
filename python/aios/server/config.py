"""What a server can be told: every option once, with its default, its text and its check.

`aios.Server(...)`, `aios serve` and its `--config` file are filled from these fields.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from aios.errors import InvalidArgumentError, NotFoundError, UnavailableError
from aios.server.access_log import STANDARD_OUTPUT
from aios.server.cors import check_origin
from aios.server.options import check_options, from_table, option, options_of

_VERIFY = ("quick", "full", "off")
_VERSIONS = ("all", "newest", "labelled")
#: Of one kind, as the data plane takes them.
MOST_THREADS = 256
#: The options that say where models come from; one of them is needed.
SOURCES = ("models", "registry")


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryConfig:
    """A version that answers a share of the calls that name no version.

    Raises:
        InvalidArgumentError: An option doesn't fit.
    """

    version: int | None = option(None, "Its number; else the label says it.", minimum=0)
    label: str = option("canary", "Its label.")
    share: float = option(0.1, "Of the calls, from 0 to 1.", minimum=0, maximum=1)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowConfig:
    """A version that gets copies of a share of the calls, and whose answers are only compared.

    Raises:
        InvalidArgumentError: An option doesn't fit.
    """

    version: int | None = option(None, "Its number; else the label says it.", minimum=0)
    label: str = option("challenger", "Its label.")
    share: float = option(0.1, "Of the calls, from 0 to 1.", minimum=0, maximum=1)
    tolerance: float = option(
        0.01,
        "What a number may differ: this times itself and, once more, the answer's largest, or 1.",
        minimum=0,
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """What is said of one model, in place of what holds for all.

    Raises:
        InvalidArgumentError: An option doesn't fit.
    """

    engine: str | None = option(None, "auto, or the engine to run on; else the server's.")
    precision: str = option("float32", "float32, fastest, or one precision alone, as int8.")
    verify: str | None = option(
        None, "What is checked before a version answers; else as the server.", choices=_VERIFY
    )
    labels: Mapping[str, int] = option(
        {}, "Names of versions, as {stable = 3}; those of a registry are its aliases.", minimum=0
    )
    versions: str | None = option(
        None, "Which versions are served; else as of the server.", choices=_VERSIONS
    )
    only: tuple[int, ...] = option((), "The only versions to serve, as [3, 4].", minimum=0)
    canary: CanaryConfig | None = option(None, "Who else answers calls that name no version.")
    shadow: ShadowConfig | None = option(None, "Who gets copies of calls, to be compared.")

    def __post_init__(self) -> None:
        check_options(self)


_NOTHING_SAID = ModelConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """The options of a server.

    Raises:
        InvalidArgumentError: An option doesn't fit.
    """

    models: Path | None = option(
        None,
        "A folder with NAME/VERSION.cell or NAME/VERSION/saved_model.pb, or a bundle.",
        flags=("--models", "-m"),
    )
    registry: Path | None = option(
        None, "A manager's home: its versions are served, and its aliases are labels."
    )
    versions: str | None = option(
        None,
        "Which versions are served: all of a folder; of a registry those with a label, and the "
        "newest.",
        choices=_VERSIONS,
    )
    host: str = option("127.0.0.1", "The numeric address to listen at.")
    http_port: int = option(8501, "0 for any free one.", minimum=0, maximum=65535)
    grpc_port: int | None = option(
        None, "A port for gRPC alone, as 8500; HTTP's speaks both.", minimum=0, maximum=65535
    )
    io_threads: int = option(
        1, "I/O threads: they read, answer fast models, and write.",
        minimum=1, maximum=MOST_THREADS, flags=("--threads",),
    )  # fmt: skip
    workers: int | None = option(
        None, "Threads for slower models; else one a CPU.", minimum=1, maximum=MOST_THREADS
    )
    engine: str = option("auto", "auto, or the engine to run on.")
    verify: str = option("quick", "What is checked before a version answers.", choices=_VERIFY)
    export: bool = option(
        True,
        "SavedModels are exported in the background, and the proved bundles take over.",
        flags=("--export/--no-export",),
    )
    poll_s: float = option(1.0, "How often the models are looked at; 0: once.", minimum=0)
    drain_s: float = option(
        30.0, "How long the last requests may take after a signal to end.", minimum=0
    )
    max_body_mib: int = option(64, "The largest body of a request, in MiB.", minimum=1)
    max_connections: int = option(4096, "Connections at a time; more are refused.", minimum=1)
    max_waiting: int = option(
        1024,
        "Calls of one model that wait for a worker; more are answered with 503.",
        minimum=1,
    )
    max_batch: int = option(
        32,
        "Samples of several calls that are answered by one; 1: each call by itself.",
        minimum=1,
        maximum=4096,
    )
    max_head_kib: int = option(16, "The largest head of a request, in KiB.", minimum=1)
    max_headers: int = option(100, "Headers of a request.", minimum=1)
    read_timeout_s: float = option(10.0, "How long a request may take to come.", minimum=0)
    write_timeout_s: float = option(
        30.0, "How long a client may take none of its answer.", minimum=0
    )
    idle_timeout_s: float = option(
        120.0, "How long a connection may be idle between requests.", minimum=0
    )
    token_file: Path | None = option(
        None,
        "Only clients with one of its tokens are answered (aios token new); else those of this "
        "machine may do all, and others may call models.",
    )
    open_metrics: bool = option(False, "Answers /metrics without a token, too.")
    require_signature: Path | None = option(
        None, "A file of public keys: only bundles that one of them signed are loaded (aios sign)."
    )
    tls_cert: Path | None = option(
        None, "A certificate in PEM, with those that lead to a known one: the ports speak TLS."
    )
    tls_key: Path | None = option(None, "The certificate's key in PEM.")
    tls_client_ca: Path | None = option(
        None, "Certificates in PEM that clients' must come from; else clients need none."
    )
    cors_origin: str | None = option(
        None, "Web pages of this origin, or of any by *, may read what the server answers."
    )
    unix_socket: Path | None = option(None, "A path to listen at, too, for this machine alone.")
    unix_socket_mode: str = option("600", "Who may connect there, as chmod takes it.")
    client_requests_per_s: float = option(
        0.0, "Requests a second of one client's address, on average; 0: any number.", minimum=0
    )
    client_burst: float = option(
        0.0, "Requests of one address at once; 0: as many as in a second.", minimum=0
    )
    client_connections: int = option(
        0, "Connections of one address at a time; 0: any number.", minimum=0
    )
    metric_names: str | None = option(
        None,
        "Names at /metrics; else aios's, and Triton's at the port for metrics.",
        choices=("aios", "tfserving", "triton"),
    )
    access_log: str | None = option(
        None, "A file for a line of JSON a request, which SIGHUP opens again; -: standard output."
    )
    traces: bool = option(
        False, "OpenTelemetry spans, by the global provider, of requests whose clients ask for one."
    )
    metrics_port: int | None = option(
        None, "A port for /metrics alone; 0 for any free one.", minimum=0, maximum=65535
    )
    per_model: Mapping[str, ModelConfig] = option(
        {}, "Options of single models, by name.", flags=()
    )

    def __post_init__(self) -> None:
        check_options(self)
        check_origin(self.cors_origin)
        if re.fullmatch("[0-7]{3}", self.unix_socket_mode) is None:
            raise InvalidArgumentError(
                f"unix_socket_mode: expected three octal digits, such as 600, got "
                f"{self.unix_socket_mode!r}"
            )

    def of_model(self, name: str) -> ModelConfig:
        """What is said of a model; defaults where nothing is."""
        return self.per_model.get(name, _NOTHING_SAID)


def config_of(
    config: ServerConfig | str | os.PathLike[str] | None, options: Mapping[str, Any]
) -> ServerConfig:
    """What options say, and where they say nothing, a config or a file of one.

    Args:
        config: A config, or a TOML file with its fields.
        options: Fields of ServerConfig; None is as good as nothing.

    Raises:
        NotFoundError: There is no such file.
        InvalidArgumentError: The file isn't TOML, or an option is unknown or doesn't fit.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(config, ServerConfig):
        told = {each.name: getattr(config, each.name) for each in fields(config)}
        return from_table(ServerConfig, {**told, **given})
    if config is None:
        return from_table(ServerConfig, given)
    file = Path(config).expanduser()
    table = _read(file)
    if any(source in given for source in SOURCES):
        table = {name: value for name, value in table.items() if name not in SOURCES}
    # Checked by itself first: the message can name the file then.
    from_table(ServerConfig, table, f"{file}: ")
    return from_table(ServerConfig, {**table, **given})


def _read(file: Path) -> dict[str, Any]:
    """The options of a file; its paths are relative to where it is."""
    try:
        table = tomllib.loads(file.read_text())
    except FileNotFoundError as error:
        raise NotFoundError(f"no config at '{file}': expected a TOML file of options") from error
    except OSError as error:
        raise UnavailableError(f"'{file}' can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{file}: isn't TOML: {error}") from error
    for each in options_of(ServerConfig):
        told = table.get(each.name)
        is_path = each.kind is Path or (each.name == "access_log" and told != STANDARD_OUTPUT)
        if is_path and isinstance(told, str):
            table[each.name] = os.path.join(file.parent, os.path.expanduser(told))
    return table
