"""Bearer tokens of a server: a file with their hashes, which servers read again when it changes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aios.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError

#: infer: call models, see what is there. admin: also load and unload them, and configure.
SCOPES = ("infer", "admin")

_PREFIX = "aios_"
#: No word list leads to so many random bits, so that a plain SHA-256 keeps them secret.
_RANDOM_BYTES = 32
_HASH = re.compile("[0-9a-f]{64}")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: never its text.

    Attributes:
        id: What `revoke` takes.
        scope: "infer" or "admin".
        sha256: Of the text, 64 hexadecimal digits.
        created: When, ISO 8601 in UTC.
        note: Who or what has it.
    """

    id: str
    scope: str
    sha256: str
    created: str
    note: str = ""


class TokenFile:
    """A file of tokens, which only its owner can read and write.

    Args:
        path: The file; the first `new` makes it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()

    def read(self) -> list[Token]:
        """Every token, oldest first.

        Raises:
            NotFoundError: There is no such file.
            InvalidArgumentError: It isn't a file of tokens.
            FailedPreconditionError: Others than its owner can write to it.
        """
        try:
            with self.path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read()
        except FileNotFoundError as error:
            raise NotFoundError(
                f"no token file '{self.path}': aios token new --token-file makes one"
            ) from error
        except OSError as error:
            raise FailedPreconditionError(f"token file '{self.path}': {error.strerror}") from error
        if mode & _OTHERS_WRITE:
            raise FailedPreconditionError(
                f"token file '{self.path}': others can write to it; chmod 600 it"
            )
        return _parsed(self.path, content)

    def new(self, scope: str = "infer", note: str = "") -> tuple[Token, str]:
        """Adds a token.

        Args:
            scope: What it lets its owner do.
            note: Who or what it is for.

        Returns:
            What is kept, and the text, which nobody can tell again.

        Raises:
            InvalidArgumentError: There is no such scope.
        """
        if scope not in SCOPES:
            raise InvalidArgumentError(f"scope: expected infer or admin, got {scope!r}")
        text = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        token = Token(secrets.token_hex(4), scope, token_hash(text), created, note)
        with self._locked():
            self._write([*self._known(), token])
        return token, text

    def revoke(self, token_id: str) -> None:
        """Takes a token away; servers refuse it within about a second.

        Raises:
            NotFoundError: The file has no such token.
        """
        with self._locked():
            tokens = self.read()
            left = [token for token in tokens if token.id != token_id]
            if len(left) == len(tokens):
                known = ", ".join(token.id for token in tokens) or "none"
                raise NotFoundError(f"no token {token_id!r} in '{self.path}'; it has {known}")
            self._write(left)

    def _known(self) -> list[Token]:
        return self.read() if self.path.exists() else []

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """For one writer at a time."""
        lock = self.path.with_name(f".{self.path.name}.lock")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FailedPreconditionError(f"token file '{self.path}': {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, tokens: list[Token]) -> None:
        """In one step, for those who could read it before; else mkstemp's are their owner's."""
        document = json.dumps({"tokens": [asdict(token) for token in tokens]}, indent=1)
        try:
            descriptor, temporary = tempfile.mkstemp(
                dir=self.path.parent, prefix=f".{self.path.name}."
            )
            try:
                with os.fdopen(descriptor, "w") as file:
                    self._leave_to_its_readers(descriptor)
                    file.write(document + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(self.path)
            except BaseException:
                with suppress(OSError):
                    Path(temporary).unlink()
                raise
        except OSError as error:
            raise FailedPreconditionError(f"token file '{self.path}': {error.strerror}") from error

    def _leave_to_its_readers(self, descriptor: int) -> None:
        """A server of another user's would go on with the tokens that it could read last."""
        with suppress(OSError):
            before = self.path.stat()
            os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, before.st_mode & 0o777 & ~_OTHERS_WRITE)


def token_hash(text: str) -> str:
    """SHA-256 of a token's text, as it is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def _parsed(path: Path, content: bytes) -> list[Token]:
    try:
        return [_token(entry) for entry in json.loads(content)["tokens"]]
    except (ValueError, LookupError, TypeError) as error:
        raise InvalidArgumentError(
            f"token file '{path}' isn't one ({error}): aios token new makes one"
        ) from error


def _token(entry: dict[str, Any]) -> Token:
    token = Token(**entry)
    fields = asdict(token)
    if not all(isinstance(value, str) for value in fields.values()):
        raise ValueError("a token's fields are texts")
    if token.scope not in SCOPES or not _HASH.fullmatch(token.sha256):
        raise ValueError(f"token {token.id}: unknown scope or no SHA-256")
    return token
