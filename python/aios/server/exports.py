"""SavedModels become proved bundles while they are served as they are.

A bundle is kept in the user's cache, by what the SavedModel's files hold: it is made once, whoever
serves it and however often the server is started. It is published as a whole, so that nothing is
half there when a child or a server is killed.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from aios.bridge.isolation import child_command
from aios.bundle.integrity import check_files, open_bundle
from aios.errors import AiosError, FailedPreconditionError
from aios.server.folder import FoundModel, Stamp, contents, found_bundle
from aios.server.wanted import Wanted
from aios.version import __version__

_CHUNK: Final = 1 << 20
_LONGEST_END_S: Final = 5.0

#: What exports a SavedModel: the command, of its folder and where the bundle goes.
Command = Callable[[Path, Path], list[str]]


def cache_folder() -> Path:
    """Where exported bundles are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "aios" / "exports"


def command(source: Path, target: Path) -> list[str]:
    """What exports in a process of its own."""
    return [*child_command("aios.server.export_child"), str(source), str(target)]


class BackgroundExports:
    """Exports SavedModels one after another, in child processes of low priority.

    Args:
        folder: Where bundles are kept.
        command: What makes one.
    """

    def __init__(self, folder: Path | None = None, command: Command = command) -> None:
        self._folder = folder or cache_folder()
        self._command = command
        self._lock = threading.Lock()
        self._asked: queue.SimpleQueue[FoundModel | None] = queue.SimpleQueue()
        self._bundles: dict[FoundModel, FoundModel] = {}
        self._notes: dict[FoundModel, str] = {}
        self._failed: dict[FoundModel, Stamp] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._looks = 0
        self._thread: threading.Thread | None = None

    def applied(self, wanted: Wanted) -> Wanted:
        """The same with bundles in place of the SavedModels that have one; others are asked for.

        What is still as it is has a note that says why. Nothing is exported before it is asked
        the second time: what is there answers first.
        """
        unproven = [one for one in wanted.versions.values() if not one.is_proven]
        if not unproven:
            return wanted
        self._ask_for(unproven)
        with self._lock:
            versions = {key: self._bundles.get(one, one) for key, one in wanted.versions.items()}
            notes = {key: self._notes[one] for key, one in versions.items() if one in self._notes}
        return replace(wanted, versions=versions, notes={**wanted.notes, **notes})

    def close(self) -> None:
        """Ends the child; what it was making is made anew another time."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                with suppress(ProcessLookupError):
                    os.killpg(self._child.pid, signal.SIGKILL)
        self._asked.put(None)
        if self._thread is not None:
            # It may be reading a large model, which changes nothing.
            self._thread.join(_LONGEST_END_S)

    def _ask_for(self, found: list[FoundModel]) -> None:
        with self._lock:
            for one in found:
                if self._closed or not self._is_news(one):
                    continue
                self._notes[one] = "unproven: it is being exported"
                self._asked.put(one)
            self._looks += 1
            if self._thread is None and self._looks > 1:
                self._thread = threading.Thread(
                    target=self._work, name="aios-server-export", daemon=True
                )
                self._thread.start()

    def _is_news(self, found: FoundModel) -> bool:
        """Whether it wasn't asked for, or failed while files of it were still to come."""
        if found in self._failed:
            if self._failed[found] == contents(found.path):
                return False
            del self._failed[found]
            return True
        return found not in self._notes and found not in self._bundles

    def _work(self) -> None:
        while (found := self._asked.get()) is not None:
            files = contents(found.path)
            try:
                bundle, reason = self._bundle_of(found)
            except (AiosError, OSError) as error:
                bundle, reason = None, str(error)
            except Exception as error:  # Others wait to be exported.
                bundle, reason = None, f"{type(error).__name__}: {error}"
            with self._lock:
                if bundle is None:
                    self._notes[found] = f"unproven: it can't be exported: {reason}"
                    self._failed[found] = files
                else:
                    self._bundles[found] = bundle
                    del self._notes[found]

    def _bundle_of(self, found: FoundModel) -> tuple[FoundModel | None, str]:
        """The bundle of a SavedModel, made now if there is none yet, or why there is none."""
        _require_own(self._folder)
        target = self._folder / f"{digest_of(found.path)}.cell"
        if _is_whole(target):
            return found_bundle(target), ""
        shutil.rmtree(target, ignore_errors=True)
        reason = self._exported(found.path, target)
        return (None, reason) if reason else (found_bundle(target), "")

    def _exported(self, source: Path, target: Path) -> str:
        with self._lock:
            if self._closed:
                return "the server ends"
            child = self._child = subprocess.Popen(
                self._command(source, target),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        told, _ = child.communicate()
        with self._lock:
            self._child = None
        try:
            return str(json.loads(told)["reason"])
        except (ValueError, KeyError, TypeError):
            code = child.returncode
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            return f"the process that exports it {how}"


def _require_own(folder: Path) -> None:
    """Makes the cache's folder, where it isn't there.

    Raises:
        FailedPreconditionError: Another user may write there. What is in it is loaded as code.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, others in ((folder, 0o022), (folder.parent, 0o002)):
        status = path.stat()
        if status.st_uid != os.geteuid() or status.st_mode & others:
            raise FailedPreconditionError(
                f"'{path}' can be written by other users; set XDG_CACHE_HOME to your own folder"
            )


def digest_of(folder: Path) -> str:
    """What a folder's files hold and are called, and which release exports them."""
    total = sha256(__version__.encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        # Names of files needn't be text.
        total.update(os.fsencode(f"\0{path.relative_to(folder)}\0{path.stat().st_size}\0"))
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                total.update(chunk)
    return total.hexdigest()


def _is_whole(bundle: Path) -> bool:
    """Whether every file is as it was exported."""
    try:
        check_files(open_bundle(bundle), sizes_only=False)
    except AiosError:
        return False
    return True
