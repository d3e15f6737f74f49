"""A whole home in one file, and back: runs, results, models, aliases, trainings under way.

The file is a tar archive, compressed if its name ends with `.gz` or `.tgz`: `aios-backup.json`, the
database, `objects/`, `bundles/`, `checkpoints/`, and `aios-backup-end.json`, which counts them.
The database is copied first and nothing is removed meanwhile, so all that it names is in the file,
whatever managers do. A kill leaves neither half a file nor half a home.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from aios.errors import (
    AiosError,
    CorruptHomeError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnsupportedError,
)
from aios.home.backup import copy_readable
from aios.home.bundles import bundle_sha256
from aios.home.content_store import disk_error
from aios.home.home import require_local
from aios.home.lock import home_lock
from aios.home.marker import DATABASE, is_home, mark, require_home
from aios.home.sqlite_store import SqliteStore

_HEAD: Final = "aios-backup.json"
_END: Final = "aios-backup-end.json"
_FORMAT: Final = 1
_FOLDERS: Final = ("objects", "bundles", "checkpoints")
_MEMBER: Final = re.compile(
    rf"{_HEAD}|{_END}|{re.escape(DATABASE)}|objects/[0-9a-f]{{2}}/[0-9a-f]{{64}}(\.[^/]+)?"
    r"|bundles/[0-9a-f]{64}\.cell/[^\0]+|checkpoints/[^\0]+"
)
_CHUNK: Final = 1 << 20


def backup_to(home: str | Path, file: str | Path) -> Path:
    """Write everything that a home keeps to `file`, also while managers are at work.

    A damaged database goes in as far as it can be read.

    Raises:
        NotFoundError: there is no home.
        FailedPreconditionError: `file` is there already, or can't be written.
        OverloadedError: its disk is full.
    """
    place, target = Path(home).expanduser().absolute(), Path(file).expanduser().absolute()
    require_home(place)
    if target.exists():
        raise FailedPreconditionError(f"{target}: is there already; choose another name")
    draft = target.with_name(f".{target.name}-{secrets.token_hex(6)}.tmp")
    try:
        with _removing_nothing(place), draft.open("xb") as stream:
            with tarfile.open(fileobj=stream, mode=_mode(target)) as archive:
                _write(place, archive)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(target)
    except OSError as error:
        raise disk_error(error, target) or error from error
    finally:
        draft.unlink(missing_ok=True)
    return target


def restore_from(file: str | Path, home: str | Path) -> Path:
    """Make a home from a file that `backup_to` wrote; every content is compared with its hash.

    Runs that were unfinished go on as those of a manager that has died.

    Raises:
        NotFoundError: there is no such file.
        FailedPreconditionError: `home` has something in it.
        InvalidArgumentError, CorruptHomeError: `file` is no backup, or not a whole one.
        UnsupportedError: a later release has written it.
    """
    source, place = Path(file).expanduser().absolute(), Path(home).expanduser().absolute()
    if not source.is_file():
        raise NotFoundError(f"{source}: no such file")
    require_local(place)
    if place.is_dir() and any(place.iterdir()):
        raise FailedPreconditionError(
            f"{place}: has something in it; restore to a new folder, or move this one away"
        )
    draft = place.with_name(f".{place.name}-restoring-{secrets.token_hex(6)}")
    try:
        draft.mkdir(parents=True)
        with _reading(source):
            _extract(source, draft)
        _require_whole(source, draft)
        mark(draft)
        os.sync()
        draft.rename(place)
    except OSError as error:
        raise disk_error(error, place) or error from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return place


def _write(home: Path, archive: tarfile.TarFile) -> None:
    with tempfile.TemporaryDirectory(prefix="aios-backup-") as folder:
        copy = Path(folder) / DATABASE
        copy_readable(home, copy)
        _add_json(archive, _HEAD, {"aios_backup": _FORMAT, "created": time.time()})
        archive.add(copy, DATABASE)
    files = 1
    for path in _kept_files(home):
        name = str(path.relative_to(home))
        with suppress(FileNotFoundError):  # of a training, which goes on
            archive.add(path, name, recursive=False)
            files += 1
    _add_json(archive, _END, {"files": files})


def _kept_files(home: Path) -> Iterator[Path]:
    for name in _FOLDERS:
        for path in sorted((home / name).rglob("*")):
            if path.is_file() and _MEMBER.fullmatch(str(path.relative_to(home))):
                yield path


def _add_json(archive: tarfile.TarFile, name: str, value: dict[str, Any]) -> None:
    content = json.dumps(value).encode()
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _mode(target: Path) -> Any:
    return "w:gz" if target.suffix in (".gz", ".tgz") else "w"


@contextmanager
def _removing_nothing(home: Path) -> Iterator[None]:
    """Keep `prune` away; where the lock can't be made, as on a read-only disk, nobody can prune."""
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(home_lock(home, shared=True))
        yield


@contextmanager
def _reading(source: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        if isinstance(error, AiosError):
            raise
        raise InvalidArgumentError(
            f"{source}: expected a file that 'aios doctor --backup FILE' wrote ({error})"
        ) from error


def _extract(source: Path, target: Path) -> None:
    """Write the members of an archive that may come from anywhere: only what a home has."""
    files, ended = 0, None
    with tarfile.open(source, "r:*") as archive:
        _require_format(source, archive)
        for member in archive:
            if member.name == _HEAD:
                continue
            content = archive.extractfile(member) if member.isreg() else None
            if content is None or not _is_ours(member.name):
                raise InvalidArgumentError(f"{source}: '{member.name}' is no part of a home")
            if member.name == _END:
                ended = json.load(content)["files"]
                break
            _place(content, member.name, target)
            files += 1
    if ended != files:
        raise CorruptHomeError(f"{source}: ends early: expected {ended} files, found {files}")


def _require_format(source: Path, archive: tarfile.TarFile) -> None:
    first = archive.next()
    head = archive.extractfile(first) if first is not None and first.name == _HEAD else None
    if head is None:
        raise InvalidArgumentError(
            f"{source}: expected a file that 'aios doctor --backup FILE' wrote"
        )
    version = json.load(head)["aios_backup"]
    if version != _FORMAT:
        raise UnsupportedError(
            f"{source}: backup format {version}, this release knows {_FORMAT}; upgrade aios-cells"
        )


def _is_ours(name: str) -> bool:
    return bool(_MEMBER.fullmatch(name)) and ".." not in name.split("/")


def _place(content: IO[bytes], name: str, target: Path) -> None:
    place = target / name
    place.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with place.open("xb") as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    expected = place.name.partition(".")[0]
    if name.startswith("objects/") and digest.hexdigest() != expected:
        raise CorruptHomeError(f"{name}: expected SHA-256 {expected}, found {digest.hexdigest()}")


def _require_whole(source: Path, home: Path) -> None:
    if not is_home(home):
        raise CorruptHomeError(f"{source}: has no database")
    with closing(SqliteStore(home / DATABASE, mode="read")) as store:
        problems = store.problems()
    for bundle in (home / "bundles").iterdir() if (home / "bundles").is_dir() else ():
        if bundle_sha256(bundle) != bundle.stem:
            problems.append(f"bundle {bundle.stem} has changed")
    if problems:
        raise CorruptHomeError(f"{source}: {problems[0]}")
