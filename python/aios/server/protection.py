"""What protects a server: tokens and certificates, read again when their files change."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aios.errors import AiosError, InvalidArgumentError
from aios.server import cors
from aios.server.tokens import TokenFile

if TYPE_CHECKING:
    from aios._core import ConnectionLimits, DataPlane
    from aios.server.config import ServerConfig

_POLL_S = 1.0
_log = logging.getLogger("aios.server")

Stamp = tuple[tuple[int, ...] | None, ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files in PEM.

    Attributes:
        certificate: The server's, and those that lead to one that clients know.
        key: The certificate's private key, without a passphrase.
        client_ca: Certificates that clients' must come from; None: clients need none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


def tls_files(
    certificate: str | os.PathLike[str] | None,
    key: str | os.PathLike[str] | None,
    client_ca: str | os.PathLike[str] | None,
) -> TlsFiles | None:
    """The files that options name; None where they name none.

    Raises:
        InvalidArgumentError: One is missing beside another.
    """
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        raise InvalidArgumentError("TLS needs both: tls_cert and tls_key")
    authority = None if client_ca is None else Path(client_ca).expanduser()
    return TlsFiles(Path(certificate).expanduser(), Path(key).expanduser(), authority)


def connection_limits(told: ServerConfig) -> ConnectionLimits:
    """What clients may do, as the data plane takes it."""
    from aios import _core

    return _core.ConnectionLimits(
        head_bytes=told.max_head_kib << 10,
        headers=told.max_headers,
        body_bytes=told.max_body_mib << 20,
        connections=told.max_connections,
        read_timeout_s=told.read_timeout_s,
        write_timeout_s=told.write_timeout_s,
        idle_timeout_s=told.idle_timeout_s,
        client_requests_per_s=told.client_requests_per_s,
        client_burst=told.client_burst,
        client_connections=told.client_connections,
        answer_headers=cors.answer_headers(told.cors_origin),
    )


class _Watched:
    """Files, and what is done when they change."""

    def __init__(self, files: list[Path], load: Callable[[], None]) -> None:
        self._files, self._load = files, load
        self._stamp = self._now()
        load()

    def check(self) -> None:
        """Loads them again if they changed; what doesn't do leaves things as they are."""
        stamp = self._now()
        if stamp == self._stamp:
            return
        # Before it is tried: what fails is told once, and tried again when it changes again.
        self._stamp = stamp
        try:
            self._load()
        except AiosError as error:
            _log.warning("kept what was loaded before: %s", error)

    def _now(self) -> Stamp:
        return tuple(_stamp(file) for file in self._files)


class Protection:
    """Loads tokens and certificates into a data plane, again when their files change.

    Args:
        plane: What they protect.
        token_file: None: clients of this machine may do all, others may call models.
        tls: None: without TLS.

    Raises:
        AiosError: A file is missing or isn't what it should be.
    """

    def __init__(
        self,
        plane: DataPlane,
        *,
        token_file: str | os.PathLike[str] | None = None,
        tls: TlsFiles | None = None,
    ) -> None:
        self._watched: list[_Watched] = []
        self._checking = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        if token_file is not None:
            self._watch_tokens(plane, TokenFile(token_file))
        if tls is not None:
            self._watch_certificate(plane, tls)

    def start(self) -> None:
        """Looks at the files every second from now on."""
        if self._watched:
            self._thread = threading.Thread(target=self._run, name="aios-server-files", daemon=True)
            self._thread.start()

    def check(self) -> None:
        """Looks at the files now."""
        with self._checking:
            for watched in self._watched:
                watched.check()

    def close(self) -> None:
        """Looks no more."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _watch_tokens(self, plane: DataPlane, tokens: TokenFile) -> None:
        def load() -> None:
            plane.protect({token.sha256: token.scope for token in tokens.read()})

        self._watched.append(_Watched([tokens.path], load))

    def _watch_certificate(self, plane: DataPlane, tls: TlsFiles) -> None:
        # Where Python has an OpenSSL of its own, it is the one that is found.
        with contextlib.suppress(ImportError):
            import ssl  # noqa: F401

        authority = "" if tls.client_ca is None else str(tls.client_ca)

        def load() -> None:
            plane.use_certificate(str(tls.certificate), str(tls.key), authority)

        files = [tls.certificate, tls.key, *([] if tls.client_ca is None else [tls.client_ca])]
        self._watched.append(_Watched(files, load))

    def _run(self) -> None:
        while not self._closing.wait(_POLL_S):
            self.check()


def _stamp(file: Path) -> tuple[int, ...] | None:
    """Which file it is, and when it was changed; None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
