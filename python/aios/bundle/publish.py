"""Publishing a directory atomically: readers see the old one or the new one, never half of one."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aios.errors import FailedPreconditionError, OverloadedError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def pending_directory(target: Path) -> Iterator[Path]:
    """A new hidden directory beside `target`, for `publish`; removed again if it isn't published.

    The directory is locked for as long as its writer lives, so that one left behind by a killed
    writer can be told from one in use; those are removed here.

    Raises:
        FailedPreconditionError: The parent directory isn't there or can't be written to.
    """
    parent = target.absolute().parent
    prefix = f".{target.name}."
    try:
        _remove_abandoned(parent, prefix)
        work, lock = _locked_directory(parent, prefix)
    except OSError as error:
        raise _write_error(parent, error) from error
    try:
        yield work
    except OSError as error:
        raise _write_error(parent, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(lock)


def publish(work: Path, target: Path, *, overwrite: bool) -> None:
    """Moves the finished directory `work` to `target`, durably and in one step.

    Raises:
        FailedPreconditionError: `target` exists and `overwrite` is false.
    """
    _sync_tree(work)
    if overwrite and target.is_dir():
        _exchange(work, target)
    else:
        try:
            os.rename(work, target)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
                raise already_exists(target) from error
            raise
    _sync(target.absolute().parent)


def already_exists(target: Path) -> FailedPreconditionError:
    """The error for a target that may not be replaced."""
    return FailedPreconditionError(
        f"'{target}' exists already; pass overwrite=True to replace it, or choose another name"
    )


def _locked_directory(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        work = Path(tempfile.mkdtemp(prefix=prefix, suffix=".tmp", dir=parent))
        lock = os.open(work, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another writer may have taken it for abandoned before it was locked.
        if work.exists():
            os.chmod(work, 0o755)
            return work, lock
        os.close(lock)


def _write_error(parent: Path, error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OverloadedError(f"the disk of '{parent}' is full ({error}); nothing was published")
    return FailedPreconditionError(f"'{parent}' can't be written to: {error}")


def _remove_abandoned(parent: Path, prefix: str) -> None:
    for path in parent.glob(f"{prefix}*.tmp"):
        lock = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(lock)


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
    # A loader that finds no target takes the one that stands aside.
    aside = target.with_name(f".{target.name}.aside")
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
