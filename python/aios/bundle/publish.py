"""Publishing a directory atomically: readers see the old one or the new one, never half of one."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aios.errors import AiosError, FailedPreconditionError, OverloadedError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def pending_directory(target: Path) -> Iterator[Path]:
    """A new hidden directory beside `target`, for `publish`; removed again if it isn't published.

    The directory is locked for as long as its writer lives, so that one left behind by a killed
    writer can be told from one in use; those are removed here.

    Raises:
        FailedPreconditionError: The parent directory isn't there or can't be written to.
        OverloadedError: The disk is full; whatever the error was that told so.
    """
    parent = target.absolute().parent
    # TensorFlow expands wildcards in paths that it reads.
    prefix = f".{re.sub(r'[][*?{}]', '_', target.name)}."
    try:
        _remove_abandoned(parent, prefix)
        work, lock = _locked_directory(parent, prefix)
    except OSError as error:
        raise _write_error(parent, error) from error
    try:
        yield work
    except AiosError as error:
        if is_disk_full(error):
            raise _write_error(parent, error) from error
        raise
    except Exception as error:
        if is_disk_full(error) or isinstance(error, OSError):
            raise _write_error(parent, error) from error
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(lock)


def publish(work: Path, target: Path, *, overwrite: bool) -> None:
    """Moves the finished directory `work` to `target`, durably and in one step.

    Raises:
        FailedPreconditionError: `target` exists and `overwrite` is false.
    """
    _sync_tree(work)
    while not _placed(work, target, overwrite=overwrite):
        pass
    _sync(target.absolute().parent)


def recover_interrupted_swap(target: Path) -> None:
    """Puts back a directory that a writer, killed without an atomic exchange, left aside."""
    absolute = Path(os.path.abspath(target))
    with suppress(OSError):
        if not absolute.exists() and _aside(absolute).is_dir():
            os.rename(_aside(absolute), absolute)


def already_exists(target: Path) -> FailedPreconditionError:
    """The error for a target that may not be replaced."""
    return FailedPreconditionError(
        f"'{target}' exists already; pass overwrite=True to replace it, or choose another name"
    )


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.aside")


def _placed(work: Path, target: Path, *, overwrite: bool) -> bool:
    """One attempt; false if another writer came or went in between, so that it's worth another."""
    try:
        os.rename(work, target)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise
        if not overwrite or error.errno == errno.ENOTDIR:
            raise already_exists(target) from error
    else:
        return True
    try:
        _exchange(work, target)
    except FileNotFoundError:
        if not work.exists():
            raise
        return False
    return True


def _locked_directory(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        work = parent / f"{prefix}{secrets.token_hex(6)}.tmp"
        work.mkdir()
        try:
            lock = os.open(work, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another writer may have taken it for abandoned before it was locked.
        if work.exists():
            return work, lock
        os.close(lock)


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or one that it came from, says so.

    Libraries tell it in their own exceptions: what is left of the system's error is its text.
    """
    full = (errno.ENOSPC, errno.EDQUOT)
    while error is not None:
        if isinstance(error, OSError) and error.errno in full:
            return True
        if any(os.strerror(code) in str(error) for code in full):
            return True
        error = error.__cause__
    return False


def _write_error(parent: Path, error: Exception) -> AiosError:
    if is_disk_full(error):
        return OverloadedError(f"the disk of '{parent}' is full ({error}); nothing was published")
    return FailedPreconditionError(f"'{parent}' can't be written to: {error}")


def _remove_abandoned(parent: Path, prefix: str) -> None:
    for path in [p for p in parent.iterdir() if _is_pending(p.name, prefix)]:
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # Another writer removed it, or it's no directory of ours.
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(lock)


def _is_pending(name: str, prefix: str) -> bool:
    """Whether it is of this target: ".a.cell." begins ".a.cell.b.x.tmp" too."""
    return name.startswith(prefix) and name.endswith(".tmp") and "." not in name[len(prefix) : -4]


def _exchange(work: Path, target: Path) -> None:
    """Swaps two directories; the old one ends in `work`, which its owner removes."""
    libc = ctypes.CDLL(None, use_errno=True)
    paths = (os.fsencode(work), os.fsencode(target))
    if hasattr(libc, "renameat2"):
        if libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0:
            return
        code = ctypes.get_errno()
        if code not in (errno.ENOSYS, errno.EINVAL):
            raise OSError(code, os.strerror(code), str(target))
    aside = _aside(target)
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(target, aside)
    os.rename(work, target)
    shutil.rmtree(aside, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(root: Path) -> None:
    for directory, _, files in os.walk(root):
        for name in files:
            _sync(Path(directory, name))
        _sync(Path(directory))
