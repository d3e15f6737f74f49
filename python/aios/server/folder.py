"""What a folder of models holds: `NAME/VERSION.cell`, each a bundle."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aios.errors import NotFoundError

_SUFFIX = ".cell"
_VERSION = re.compile(r"(0|[1-9][0-9]{0,17})\.cell")
_HIDDEN = (".", "_")


class VersionKey(NamedTuple):
    """A version of a model."""

    name: str
    version: int


class FoundBundle(NamedTuple):
    """A bundle on disk; `stamp` differs where another one was put in its place."""

    path: Path
    stamp: tuple[int, int, int]


def scan(root: Path) -> dict[VersionKey, FoundBundle]:
    """Every version in a folder; or of one bundle, which is version 1 of the model of its name.

    A bundle that is being written has a hidden name until it is whole, so it isn't found.

    Args:
        root: The folder, or the bundle.

    Raises:
        NotFoundError: There is no such folder.
    """
    if _stamp(root) is not None:
        return dict(_found(VersionKey(root.name.removesuffix(_SUFFIX), 1), root))
    try:
        folders = sorted(entry for entry in root.iterdir() if not entry.name.startswith(_HIDDEN))
    except OSError as error:
        raise NotFoundError(
            f"no models at '{root}' ({error.strerror}): expected a folder with "
            "NAME/VERSION.cell, as models/digits/1.cell, or one bundle"
        ) from error
    return dict(found for folder in folders for found in _versions(folder))


def _versions(folder: Path) -> Iterator[tuple[VersionKey, FoundBundle]]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if _VERSION.fullmatch(entry.name):
            yield from _found(VersionKey(folder.name, int(entry.name.removesuffix(_SUFFIX))), entry)


def _found(key: VersionKey, path: Path) -> Iterator[tuple[VersionKey, FoundBundle]]:
    stamp = _stamp(path)
    if stamp is not None:
        yield key, FoundBundle(path, stamp)


def _stamp(bundle: Path) -> tuple[int, int, int] | None:
    """The identity of a bundle's manifest; None where there is none."""
    try:
        status = os.stat(bundle / "manifest.json")
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_ctime_ns
