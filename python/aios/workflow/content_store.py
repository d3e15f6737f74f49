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
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aios.errors import CorruptHomeError, FailedPreconditionError, NotFoundError, OverloadedError
from aios.workflow.file_contents import chunks, holds, same_tree, slices, unchanged

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
        """Store `content`; returns its reference. A damaged file in its place is written anew."""
        sha256 = hashlib.sha256(content).hexdigest()
        place = self.path(sha256, suffix)
        if not holds(place, slices(content)):
            self._write(place, slices(content))
        return FileRef(sha256, suffix, len(content))

    def put_file(self, source: Path) -> FileRef:
        """Store a copy of the file `source`; returns its reference.

        Raises:
            NotFoundError: there is no such file.
            FailedPreconditionError: it can't be read, or changed while it was.
        """
        digest, size = hashlib.sha256(), 0
        for chunk in chunks(source):
            digest.update(chunk)
            size += len(chunk)
        ref = FileRef(digest.hexdigest(), "".join(source.suffixes[-2:]), size)
        place = self.path(ref.sha256, ref.suffix)
        if not holds(place, chunks(source)):
            self._write(place, unchanged(source, ref.sha256))
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
        """Move the finished directory `source` to `place`, whose name follows from its content.

        What is there already is kept if it is the same, byte by byte, and is else damaged and
        replaced. `source` must be on the home's file system.
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
                if not same_tree(source, place):
                    self._discard(place)
                    source.rename(place)
                shutil.rmtree(source, ignore_errors=True)
            _fsync(place.parent)
        return place

    @contextmanager
    def work_dir(self, label: str) -> Iterator[Path]:
        """A folder under `tmp` that is removed at the end; what its user raises goes through.

        Leftovers of a killed process: `sweep`.
        """
        place = self._draft(f"{label}-")
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

    def _write(self, place: Path, content: Iterable[bytes | memoryview]) -> None:
        """Write beside, flush, rename. Errors in reading `content` are its own, not the home's."""
        with self._errors():
            self.tmp.mkdir(parents=True, exist_ok=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            draft = self._draft()
            file = draft.open("xb")
        try:
            with file:
                for chunk in content:
                    with self._errors():
                        file.write(chunk)
                with self._errors():
                    file.flush()
                    os.fsync(file.fileno())
            with self._errors():
                draft.rename(place)
                _fsync(place.parent)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise

    def _discard(self, place: Path) -> None:
        """Take a directory out of the way in one step, then remove it."""
        self.tmp.mkdir(parents=True, exist_ok=True)
        removed = self._draft("removed-")
        place.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)

    def _draft(self, label: str = "") -> Path:
        return self.tmp / f"{_writer()}-{label}{secrets.token_hex(8)}"

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
        return home_full(
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


def home_full(message: str) -> OverloadedError:
    """The error of a home whose disk is full: its run is let go of, and can be resumed."""
    error = OverloadedError(message)
    error.home_full = True
    return error


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
