"""What a process has stored and not yet committed a reference to: pinned, so that it isn't removed.

Contents are shared: a step may find its result in the home already, left by a run that is removed
at that moment. So whoever stores something first writes its hash to a pin file, and only then looks
whether it is there; and keeps the file until the record that names the content is committed.
`garbage` tells how this and the removal fit together.

A pin file is held by a lock of its process, which the kernel frees however the process ends, also
in another container. No clock is read.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_NEW: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class PinFile:
    """The pins of one piece of work: a file under `folder`, made with its first hash.

    Args:
        folder: where the home's pin files are.
        drafts: where it is made, locked and written before it is seen.
    """

    def __init__(self, folder: Path, drafts: Path) -> None:
        self._folder = folder
        self._drafts = drafts
        self._path: Path | None = None
        self._descriptor = -1
        self._known: set[str] = set()
        self._lock = threading.Lock()

    @staticmethod
    def joined(path: Path) -> PinFile:
        """The pin file of a parent process, which holds it: a child adds to it."""
        pins = PinFile(path.parent, path.parent)
        pins._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        return pins

    def add(self, *hashes: str) -> None:
        """Pin contents; before it is looked whether they are there."""
        with self._lock:
            new = set(hashes) - self._known
            if not new:
                return
            text = "".join(f"{item}\n" for item in sorted(new)).encode()
            if self._descriptor < 0:
                self._make(text)
            else:
                _write(self._descriptor, text)
            self._known |= new

    def path(self) -> Path:
        """Its place, for a child process to join it."""
        with self._lock:
            if self._path is None:
                self._make(b"")
            assert self._path is not None
            return self._path

    def close(self) -> None:
        """The work is over: what it stored is named by a record now, or by nobody."""
        with self._lock:
            if self._path is not None:
                with suppress(OSError):
                    self._path.unlink(missing_ok=True)
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._path, self._descriptor = None, -1
            self._known.clear()

    def _make(self, text: bytes) -> None:
        for folder in (self._folder, self._drafts):
            folder.mkdir(parents=True, exist_ok=True)
        name = secrets.token_hex(8)
        draft, place = self._drafts / f"{process_name()}-pins-{name}", self._folder / name
        descriptor = os.open(draft, _NEW, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            _write(descriptor, text)
            draft.rename(place)
        except BaseException:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            raise
        self._descriptor, self._path = descriptor, place


def _write(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]


def pinned(folder: Path) -> set[str]:
    """What is pinned by who lives; the files of the dead are removed."""
    found: set[str] = set()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        with suppress(FileNotFoundError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                found |= set(_whole_lines(file.read()))
            else:
                path.unlink(missing_ok=True)
    return found


def _whole_lines(content: bytes) -> Iterable[str]:
    return content.decode("ascii", "replace").split("\n")[:-1]


def process_name() -> str:
    """Names this process for those who look whether it is gone: containers share homes."""
    return f"{pid_namespace()}.{os.getpid()}"


def pid_namespace() -> str:
    """The kernel's number of this process's pid namespace."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return "0"
