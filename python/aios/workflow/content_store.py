"""Files named by their own SHA-256: written once, never changed, shared by every run of a home.

A file is written beside its place, flushed to the disk, and renamed, so a reader sees all of it or
nothing, and writing the same content twice is one file. Directories (bundles) follow the same rule.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from aios.errors import CorruptHomeError, FailedPreconditionError, NotFoundError, OverloadedError

_CHUNK: Final = 1 << 20
_LEFTOVER_AGE_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file in the content store: what a step returns instead of a path."""

    sha256: str
    suffix: str
    bytes: int


class ContentStore:
    """The folder `root`, with unfinished files under `tmp`."""

    def __init__(self, root: Path, tmp: Path) -> None:
        self.root = root
        self.tmp = tmp

    def path(self, sha256: str, suffix: str) -> Path:
        """Where the content `sha256` is, or would be."""
        return self.root / sha256[:2] / f"{sha256}{suffix}"

    def put_bytes(self, content: bytes | memoryview, suffix: str) -> FileRef:
        """Store `content`; returns its reference."""
        sha256 = hashlib.sha256(content).hexdigest()
        place = self.path(sha256, suffix)
        if not place.exists():
            with self._new_file(place) as file:
                file.write(content)
        return FileRef(sha256, suffix, len(content))

    def put_file(self, source: Path) -> FileRef:
        """Store a copy of the file `source`; returns its reference."""
        suffix = "".join(source.suffixes[-2:])
        with self._errors(), source.open("rb") as file:
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            ref = FileRef(digest.hexdigest(), suffix, file.tell())
            place = self.path(ref.sha256, suffix)
            if not place.exists():
                file.seek(0)
                with self._new_file(place) as target:
                    shutil.copyfileobj(file, target, _CHUNK)
        return ref

    def open_path(self, ref: FileRef) -> Path:
        """The path of stored content.

        Raises:
            CorruptHomeError: the file is missing or has another size.
        """
        place = self.path(ref.sha256, ref.suffix)
        try:
            size = place.stat().st_size
        except FileNotFoundError:
            raise CorruptHomeError(
                f"{place}: missing; a run refers to it. Restore it from a backup, or start the run"
                f" anew"
            ) from None
        if size != ref.bytes:
            raise CorruptHomeError(f"{place}: expected {ref.bytes} bytes, found {size}")
        return place

    def read_bytes(self, ref: FileRef) -> bytes:
        """Read stored content and check its hash.

        Raises:
            CorruptHomeError: the file is missing or changed.
        """
        content = self.open_path(ref).read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != ref.sha256:
            raise CorruptHomeError(
                f"{self.path(ref.sha256, ref.suffix)}: expected SHA-256 {ref.sha256}, found {found}"
            )
        return content

    def put_directory(self, source: Path, place: Path) -> Path:
        """Move the finished directory `source` to `place`, or drop it when `place` exists already.

        `source` must be on the home's file system and named so that `place` follows from its
        content.
        """
        with self._errors():
            place.parent.mkdir(parents=True, exist_ok=True)
            for path in sorted(source.rglob("*")):
                _fsync(path)
            _fsync(source)
            try:
                source.rename(place)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                shutil.rmtree(source)
            _fsync(place.parent)
        return place

    @contextmanager
    def work_dir(self, label: str) -> Iterator[Path]:
        """A folder under `tmp` that is removed at the end.

        Leftovers of a killed process: `sweep`.
        """
        place = self.tmp / f"{_writer()}-{label}-{secrets.token_hex(6)}"
        with self._errors():
            place.mkdir(parents=True)
            try:
                yield place
            finally:
                shutil.rmtree(place, ignore_errors=True)

    def sweep(self) -> int:
        """Remove unfinished files of processes that are gone; returns how many."""
        removed = 0
        for place in self.tmp.iterdir() if self.tmp.is_dir() else ():
            if _is_abandoned(place):
                if place.is_dir():
                    shutil.rmtree(place, ignore_errors=True)
                else:
                    place.unlink(missing_ok=True)
                removed += 1
        return removed

    @contextmanager
    def _new_file(self, place: Path) -> Iterator[BinaryIO]:
        with self._errors():
            self.tmp.mkdir(parents=True, exist_ok=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = self.tmp / f"{_writer()}-{secrets.token_hex(8)}"
            try:
                with draft.open("xb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                draft.rename(place)
                _fsync(place.parent)
            except BaseException:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            translated = disk_error(error, self.root.parent)
            if translated is None:
                raise
            raise translated from error


def disk_error(error: OSError, home: Path) -> Exception | None:
    """The typed error for a disk that is full or can't be written; None for any other."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OverloadedError(
            f"{home}: no space left ({error}); nothing was changed; free space and resume"
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return FailedPreconditionError(
            f"{home}: can't be written ({error}); give this user write access, or choose another"
            f" home"
        )
    if error.errno == errno.ENOENT and error.filename and not Path(error.filename).exists():
        return NotFoundError(f"{error.filename}: no such file or folder")
    return None


def _writer() -> str:
    """Names this process for `_is_abandoned`, with its pid namespace, as containers share homes."""
    return f"{_pid_namespace()}.{os.getpid()}"


def _is_abandoned(place: Path) -> bool:
    namespace, _, pid = place.name.split("-", 1)[0].partition(".")
    if namespace == _pid_namespace():
        return pid.isdigit() and not Path(f"/proc/{pid}").exists()
    with suppress(OSError):
        return time.time() - place.stat().st_mtime > _LEFTOVER_AGE_S
    return False


def _pid_namespace() -> str:
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return "0"


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
