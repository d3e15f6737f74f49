"""A bundle's directory, opened once: whatever is then put at its path, its files are of one bundle.

The C++ of it is src/bundle/directory.cpp.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import mmap
import os
import stat
import weakref
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

from aios.bundle.fields import shown
from aios.bundle.records import FileRecord
from aios.errors import AiosError, CorruptBundleError, NotFoundError

#: Nothing here waits: the other end of a FIFO may never come.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_SMALL_BYTES = 64 << 20
_MOST_ATTEMPTS = 100
_Loaded = TypeVar("_Loaded")


class FileIdentity(NamedTuple):
    """A file as the file system knows it: another one, or one that was written to, differs."""

    device: int
    inode: int
    bytes: int
    written_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileIdentity:
        """Of an open file."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class BundleDirectory:
    """An open directory; it closes when nothing refers to it any more.

    Args:
        root: Its path, which is also what messages call it.

    Raises:
        NotFoundError: It isn't a directory that can be opened.
    """

    def __init__(self, root: Path) -> None:
        try:
            self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise NotFoundError(
                f"no bundle at '{root}' ({why}): expected a directory that aios.export() wrote"
            ) from error
        self.root = root
        weakref.finalize(self, os.close, self._descriptor)

    def is_still_there(self) -> bool:
        """Whether the path still leads to this directory."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.stat(self.root), os.fstat(self._descriptor))
        return False

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[BufferedReader]:
        """Opens a regular file, which no symbolic link below the directory leads to.

        Raises:
            CorruptBundleError: It can't be opened, or is a FIFO, a device, a directory, …
        """
        *folders, name = path.split("/")
        with contextlib.ExitStack() as opened:
            parent = self._descriptor
            for folder in folders:
                parent = self._open_part(path, parent, folder, os.O_DIRECTORY)
                opened.callback(os.close, parent)
            found = self._open_part(path, parent, name, 0)
            opened.callback(os.close, found)
            mode = os.fstat(found).st_mode
            if not stat.S_ISREG(mode):
                self.unreadable(path, f"it isn't a regular file but {_kind(mode)}")
            yield opened.enter_context(os.fdopen(found, "rb", closefd=False))

    def read_small(self, path: str, most_bytes: int) -> bytes:
        """The content of a file of at most so many bytes; more is CorruptBundleError."""
        with self.open(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > most_bytes:
                self.unreadable(path, f"it has {size} bytes, at most {most_bytes} are allowed")
            return self._read(path, file, size)

    def content(self, path: str) -> bytes:
        """The content of a file, as a copy: it stays what it is whatever becomes of the file."""
        with self.open(path) as file:
            return self._read(path, file, os.fstat(file.fileno()).st_size)

    def for_reading(self, path: str) -> bytes | mmap.mmap:
        """The same for a moment: of a large file, its own pages, which change with it."""
        with self.open(path) as file:
            if (size := os.fstat(file.fileno()).st_size) <= _SMALL_BYTES:
                return self._read(path, file, size)
            return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)

    def record_of(self, path: str) -> FileRecord:
        """The size and SHA-256 that a file has."""
        with self.open(path) as file:
            return FileRecord(path, os.fstat(file.fileno()).st_size, sha256_of(file))

    def identity_of(self, path: str) -> FileIdentity:
        """What tells a file from another one."""
        with self.open(path) as file:
            return FileIdentity.of(os.fstat(file.fileno()))

    def reach(self, path: str) -> Path:
        """A path for libraries that open files themselves, through this descriptor if possible.

        The file was opened, or one in it was, so that no link is on the way.
        """
        through = Path("/proc/self/fd", str(self._descriptor))
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(through), os.fstat(self._descriptor)):
                return through / path
        return self.root / path

    def unreadable(self, path: str, why: str) -> NoReturn:
        """Raises CorruptBundleError."""
        raise CorruptBundleError(
            f"bundle file '{path}' in '{self.root}' can't be read: {why}; export the bundle again"
        )

    def _open_part(self, path: str, parent: int, part: str, flags: int) -> int:
        try:
            return os.open(part, _FLAGS | flags, dir_fd=parent)
        except (OSError, ValueError) as error:
            self.unreadable(path, _why_not(parent, part, error))

    def _read(self, path: str, file: BufferedReader, size: int) -> bytes:
        try:
            content = file.read(size)
        except OSError as error:
            self.unreadable(path, error.strerror or str(error))
        if len(content) < size:
            self.unreadable(path, "it was cut while it was read")
        return content


def sha256_of(file: BufferedReader) -> str:
    """64 lower-case hexadecimal digits, of what is left to read."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def though_replaced(path: Path, load: Callable[[], _Loaded]) -> _Loaded:
    """Gives what `load` gives; calls it again where the path has got another directory meanwhile.

    Files of a bundle that is replaced while it is read are gone before they were opened.
    """
    for attempt in range(1, _MOST_ATTEMPTS + 1):
        # Kept open, so that nothing else gets its identity.
        before = None
        with contextlib.suppress(NotFoundError):
            before = BundleDirectory(path)
        try:
            return load()
        except AiosError:
            if before is None or before.is_still_there() or attempt == _MOST_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))
    return next((name for is_one, name in kinds if is_one(mode)), "a device")


def _why_not(parent: int, part: str, error: OSError | ValueError) -> str:
    with contextlib.suppress(OSError, ValueError):
        if stat.S_ISLNK(os.stat(part, dir_fd=parent, follow_symlinks=False).st_mode):
            return "it is reached by a symbolic link"
    if not isinstance(error, OSError):
        return shown(str(error))
    if error.errno == errno.ENXIO:
        return "it isn't a regular file but a socket"
    return error.strerror or str(error)
