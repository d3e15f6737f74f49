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
from aios.home.file_contents import chunks, holds, same_tree, slices, unchanged
from aios.home.pins import PinFile, pid_namespace, process_name

_LEFTOVER_AGE_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file in the content store: what a step returns instead of a path."""

    sha256: str
    suffix: str
    bytes: int


class ContentStore:
    """The folder `root`, with unfinished files under `tmp`.

    Args:
        root: the folder.
        tmp: beside it.
        pins: where the hash of everything stored is written first; None: nothing is ever removed.
    """

    def __init__(self, root: Path, tmp: Path, pins: PinFile | None = None) -> None:
        self.root = root
        self.tmp = tmp
        self.trash = root.parent / "trash"
        self.pins = pins

    def path(self, sha256: str, suffix: str) -> Path:
        """Where the content `sha256` is, or would be."""
        return self.root / sha256[:2] / f"{sha256}{suffix}"

    def put_bytes(self, content: bytes | memoryview, suffix: str) -> FileRef:
        """Store `content`; returns its reference. A damaged file in its place is written anew."""
        sha256 = hashlib.sha256(content).hexdigest()
        place = self.path(sha256, suffix)
        self.pin(sha256)
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
        self.pin(ref.sha256)
        if not holds(place, chunks(source)):
            self._write(place, unchanged(source, ref.sha256))
        return ref

    def pin(self, *hashes: str) -> None:
        """Keep contents from being removed until this store's pins are closed."""
        if self.pins is not None:
            with self._errors():
                self.pins.add(*hashes)

    def secure(self, *hashes: str) -> None:
        """Pin contents that a record names, and take them out of the trash if they are there."""
        self.pin(*hashes)
        for found in list(self.trash.iterdir()) if self.trash.is_dir() else ():
            if found.is_file() and found.name.partition(".")[0] in hashes:
                self.restore(self.path(*_split(found.name)))

    def open_path(self, ref: FileRef) -> Path:
        """The path of stored content.

        Raises:
            CorruptHomeError: the file is missing or has another size.
        """
        place = self.path(ref.sha256, ref.suffix)
        try:
            size = place.stat().st_size
        except FileNotFoundError:
            if not self.restore(place):
                raise CorruptHomeError(
                    f"{place}: missing; a run refers to it. Restore it from a backup, or start"
                    " the run anew"
                ) from None
            size = place.stat().st_size
        if size != ref.bytes:
            raise CorruptHomeError(f"{place}: expected {ref.bytes} bytes, found {size}")
        return place

    def read_bytes(self, ref: FileRef) -> bytes:
        """Read stored content and check its hash.

        Raises:
            CorruptHomeError: the file is missing or changed.
        """
        try:
            content = self.open_path(ref).read_bytes()
        except FileNotFoundError:  # it went to the trash this moment
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
        self.pin(place.stem)
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
                    self.discard(place)
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

    def to_trash(self, place: Path) -> None:
        """Take an object or a bundle out of its place, for `garbage` to decide about."""
        self.trash.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            place.rename(self.trash / place.name)

    def restore(self, place: Path) -> bool:
        """Put what is in the trash back to `place`, where it came from; False if it isn't there."""
        found = self.trash / place.name
        if place.exists() or not found.exists():
            return place.exists()
        with suppress(OSError):  # another reader may do the same
            place.parent.mkdir(parents=True, exist_ok=True)
            found.rename(place)
        return place.exists()

    def restore_trash(self) -> None:
        """Put everything in the trash back, or drop it where it was stored again meanwhile."""
        for found in list(self.trash.iterdir()) if self.trash.is_dir() else ():
            place = self.path(*_split(found.name))
            if found.is_dir():
                place = self.root.parent / "bundles" / found.name
            if self.restore(place):
                self.discard(found)

    def discard(self, place: Path) -> None:
        """Remove a file, or a directory: that one whole or not at all."""
        if not place.is_dir():
            place.unlink(missing_ok=True)
            return
        self.tmp.mkdir(parents=True, exist_ok=True)
        removed = self._draft("removed-")
        with suppress(FileNotFoundError):
            place.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)

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

    def _draft(self, label: str = "") -> Path:
        return self.tmp / f"{process_name()}-{label}{secrets.token_hex(8)}"

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
            f"{home}: can't be written ({error}); give this user write access, or choose"
            " another home"
        )
    if error.errno == errno.ENOENT and error.filename and not Path(error.filename).exists():
        return NotFoundError(f"{error.filename}: no such file or folder")
    return None


def home_full(message: str) -> OverloadedError:
    """The error of a home whose disk is full: its run is let go of, and can be resumed."""
    error = OverloadedError(message)
    error.home_full = True
    return error


def _split(name: str) -> tuple[str, str]:
    """A file's hash and suffix."""
    sha256, dot, suffix = name.partition(".")
    return sha256, dot + suffix


def _is_abandoned(place: Path) -> bool:
    namespace, _, pid = place.name.split("-", 1)[0].partition(".")
    if namespace == pid_namespace():
        return pid.isdigit() and not Path(f"/proc/{pid}").exists()
    with suppress(OSError):
        return time.time() - place.stat().st_mtime > _LEFTOVER_AGE_S
    return False


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
