"""How a client reaches a server: HTTP over TCP, over TLS, or over a Unix socket."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from aios.errors import InvalidArgumentError, UnsupportedError

if TYPE_CHECKING:
    import ssl

_UNIX = "unix:"

PathText = str | os.PathLike[str]


class Connection(http.client.HTTPConnection):
    """A thread's own; it ends with the thread."""

    def __del__(self) -> None:
        self.close()


class _TlsConnection(Connection):
    """The same, over TLS."""

    def __init__(self, host: str, port: int, timeout_s: float, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._context = context

    def connect(self) -> None:
        """Connects, and checks whose the server is."""
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


class _UnixConnection(Connection):
    """The same, over a Unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connects to the path."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(self.timeout)
            connected.connect(self._path)
        except BaseException:
            connected.close()
            raise
        self.sock = connected


class Transport:
    """Where a server is, and how connections to it are made.

    Args:
        url: `http://HOST:PORT`, `https://HOST:PORT` or `unix:/PATH`.
        timeout_s: How long an answer may take.
        ca: A file in PEM with certificates that a server's must come from; None: the system's.
        client_cert: A certificate and its key, files in PEM, where the server asks for one.

    Raises:
        InvalidArgumentError: The URL isn't one, or a file doesn't do.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        ca: PathText | None = None,
        client_cert: tuple[PathText, PathText] | None = None,
    ) -> None:
        parts, port = _parts_of(url)
        has_tls = parts.scheme == "https"
        if not has_tls and (ca is not None or client_cert is not None):
            raise InvalidArgumentError(f"ca and client_cert are for https://…, got {url!r}")
        self.connect: Callable[[], Connection]
        if url.startswith(_UNIX) and parts.path.startswith("/") and not parts.netloc:
            self.address = url
            self.connect = lambda: _UnixConnection(parts.path, timeout_s)
            return
        host, path = parts.hostname, parts.path
        if parts.scheme not in ("http", "https") or not host or path not in ("", "/"):
            raise _no_url(url)
        port = port or (443 if has_tls else 80)
        self.address = f"{host}:{port}"
        if has_tls:
            context = _context(ca, client_cert)
            self.connect = lambda: _TlsConnection(host, port, timeout_s, context)
        else:
            self.connect = lambda: Connection(host, port, timeout=timeout_s)


def _parts_of(url: str) -> tuple[SplitResult, int | None]:
    """A URL's parts, and its port where it has one."""
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError as error:
        raise _no_url(url) from error


def _no_url(url: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"url: expected http://HOST:PORT, https://HOST:PORT or unix:/PATH, got {url!r}"
    )


def _context(ca: PathText | None, client_cert: tuple[PathText, PathText] | None) -> ssl.SSLContext:
    try:
        import ssl
    except ImportError as error:
        raise UnsupportedError(f"https: this Python has no ssl ({error})") from error
    try:
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if client_cert is not None:
            context.load_cert_chain(*client_cert)
    except OSError as error:
        raise InvalidArgumentError(f"ca or client_cert: {error}") from error
    return context
