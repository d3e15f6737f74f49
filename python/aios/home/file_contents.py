"""Reading and comparing files in pieces, so that their size costs no memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from aios.errors import FailedPreconditionError, NotFoundError

_CHUNK: Final = 1 << 20


def same_tree(one: Path, two: Path) -> bool:
    """True when two directories hold the same files, byte by byte."""
    files = _files(one)
    return files == _files(two) and all(holds(two / name, chunks(one / name)) for name in files)


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def holds(place: Path, content: Iterable[bytes | memoryview]) -> bool:
    """True when the file is there, can be read, and is this content: reading costs less than fsync.

    Anything else, also a file that the disk can't give back, is written anew.
    """
    try:
        with place.open("rb") as file:
            return all(file.read(len(chunk)) == chunk for chunk in content) and not file.read(1)
    except OSError:
        return False


def slices(content: bytes | memoryview) -> Iterator[memoryview]:
    """`content` in pieces, without copying it."""
    view = memoryview(content)
    return (view[start : start + _CHUNK] for start in range(0, len(view), _CHUNK))


def chunks(source: Path) -> Iterator[bytes]:
    """The content of a file of the user's, in pieces.

    Raises:
        NotFoundError: it isn't there.
        FailedPreconditionError: it can't be read.
    """
    try:
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except FileNotFoundError as error:
        raise NotFoundError(f"{source}: no such file") from error
    except OSError as error:
        raise FailedPreconditionError(f"{source}: can't be read ({error})") from error


def unchanged(source: Path, sha256: str) -> Iterator[bytes]:
    """`chunks` of a file, which must still have this hash when all are read.

    Raises:
        FailedPreconditionError: it has another one.
    """
    digest = hashlib.sha256()
    for chunk in chunks(source):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise FailedPreconditionError(f"{source}: changed while it was stored; close it first")
