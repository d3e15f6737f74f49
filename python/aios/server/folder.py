"""What a folder of models holds: bundles, `NAME/VERSION.cell`, and SavedModels, `NAME/VERSION/`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aios.errors import NotFoundError

_SUFFIX = ".cell"
_VERSION = re.compile(r"(?P<number>0|[1-9][0-9]{0,17})(?P<bundle>\.cell)?")
_HIDDEN = (".", "_")
#: Of a bundle; it is written last.
_MANIFEST = ("manifest.json",)
#: Of a SavedModel; those after the first need not be there.
_SAVED_MODEL = ("saved_model.pb", "variables", "variables/variables.index")

Stamp = tuple[int, ...]


class VersionKey(NamedTuple):
    """A version of a model."""

    name: str
    version: int


class FoundModel(NamedTuple):
    """A model on disk; `stamp` differs where another one was put in its place.

    `is_proven` is whether it is a bundle, which carries the proof that it answers as it was
    trained; a SavedModel is run by TensorFlow as it is.
    """

    path: Path
    stamp: Stamp
    is_proven: bool


def scan(root: Path) -> dict[VersionKey, FoundModel]:
    """Every version in a folder; or of one bundle, which is version 1 of the model of its name.

    A bundle that is being written has a hidden name until it is whole, so it isn't found. Where a
    version is there in both forms, the bundle is taken.

    Args:
        root: The folder, or the bundle.

    Raises:
        NotFoundError: There is no such folder.
    """
    whole = _stamp(root, _MANIFEST)
    if whole is not None:
        return {VersionKey(root.name.removesuffix(_SUFFIX), 1): FoundModel(root, whole, True)}
    try:
        folders = sorted(entry for entry in root.iterdir() if not entry.name.startswith(_HIDDEN))
    except OSError as error:
        raise NotFoundError(
            f"no models at '{root}' ({error.strerror}): expected a folder with "
            "NAME/VERSION.cell, as models/digits/1.cell, or one bundle"
        ) from error
    return dict(found for folder in folders for found in _versions(folder))


def contents(folder: Path) -> Stamp:
    """Every file below a folder, and when it was changed, so that one that is copied is seen."""
    stamp: Stamp = ()
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            stamp += _stamp(Path(place), (name,)) or ()
    return stamp


def _versions(folder: Path) -> Iterator[tuple[VersionKey, FoundModel]]:
    try:
        # "1" is before "1.cell": what comes later replaces it.
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        named = _VERSION.fullmatch(entry.name)
        if named is None:
            continue
        is_bundle = named["bundle"] is not None
        stamp = _stamp(entry, _MANIFEST if is_bundle else _SAVED_MODEL)
        if stamp is not None:
            key = VersionKey(folder.name, int(named["number"]))
            yield key, FoundModel(entry, stamp, is_bundle)


def _stamp(folder: Path, names: tuple[str, ...]) -> Stamp | None:
    """Which files these are, and when they were changed; None where the first isn't there."""
    stamp: Stamp = ()
    for name in names:
        try:
            status = os.stat(folder / name)
        except OSError:
            break
        stamp += (status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns)
    return stamp or None
