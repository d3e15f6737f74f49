"""What a folder of models holds: bundles, `NAME/VERSION.cell`, and SavedModels, `NAME/VERSION/`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aios.bundle.signing import SUFFIX
from aios.errors import InvalidArgumentError, NotFoundError

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
        InvalidArgumentError: What it holds are models, but not in folders by name and version.
    """
    if _stamp(root, _MANIFEST) is not None:
        return {VersionKey(root.name.removesuffix(_SUFFIX), 1): found_bundle(root)}
    try:
        entries = sorted(entry for entry in root.iterdir() if not entry.name.startswith(_HIDDEN))
    except OSError as error:
        raise NotFoundError(
            f"no models at '{root}' ({error.strerror}): expected a folder with "
            "NAME/VERSION.cell, as models/digits/1.cell, or one bundle"
        ) from error
    folders = [entry for entry in entries if _is_text(entry.name)]
    found = dict(one for folder in folders for one in _versions(folder))
    odd = [] if found else oddities(root)
    if odd:
        raise InvalidArgumentError(odd[0])
    return found


def found_bundle(path: Path) -> FoundModel:
    """A bundle by its path, as scan() finds it."""
    return FoundModel(path, _stamp(path, _MANIFEST) or (), is_proven=True)


def contents(folder: Path) -> Stamp:
    """Every file below a folder, and when it was changed, so that one that is copied is seen.

    The file of its signatures, beside it, counts as one of them.
    """
    stamp: Stamp = _stamp(folder.parent, (folder.name + SUFFIX,)) or ()
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            stamp += _stamp(Path(place), (name,)) or ()
    return stamp


def oddities(root: Path) -> list[str]:
    """What a folder holds of models that scan() can't take, each in a sentence."""
    if _stamp(root, _MANIFEST) is not None:
        return []
    if _stamp(root, _SAVED_MODEL) is not None:
        return [
            f"'{root}' is a SavedModel itself: put it into a folder for its name and version, as "
            f"models/{root.name}/1, and serve models"
        ]
    folders = [each for each in _entries(root) or [] if not each.name.startswith(_HIDDEN)]
    if any(_VERSION.fullmatch(folder.name) and _is_model(folder) for folder in folders):
        return [
            f"'{root}' holds versions of one model: serve the folder that it is in, "
            f"'{root.absolute().parent}'"
        ]
    return [text for folder in folders for text in _oddities_of(folder)]


def _oddities_of(folder: Path) -> Iterator[str]:
    if _is_model(folder):
        named = folder.with_name(folder.name.removesuffix(_SUFFIX)) / f"1{folder.suffix}"
        yield f"'{folder}' is a model without a version: expected NAME/VERSION, as '{named}'"
        return
    entries = _entries(folder)
    if not _is_text(folder.name):
        if any(map(_is_model, entries or [])):
            yield f"{str(folder)!r} isn't named in UTF-8, as a model must be: rename it"
        return
    # Path.is_dir() raises where a name is too long, or may not be looked at.
    if entries is None and os.path.isdir(folder):
        yield f"'{folder}' can't be read: let this user list it"
    for entry in entries or []:
        is_hidden = entry.name.startswith(_HIDDEN)
        if not is_hidden and _VERSION.fullmatch(entry.name) is None and _is_model(entry):
            number = folder / f"1{entry.suffix}"
            yield f"'{entry}' is no version: expected a whole number, as '{number}'"


def _is_model(path: Path) -> bool:
    return any(_stamp(path, names) is not None for names in (_MANIFEST, _SAVED_MODEL))


def _is_text(name: str) -> bool:
    """Whether it is UTF-8, which names of files needn't be, and answers of servers must."""
    return not any("\ud800" <= each <= "\udfff" for each in name)


def _entries(folder: Path) -> list[Path] | None:
    """What a folder holds, in order; None where it can't be listed."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return None


def _versions(folder: Path) -> Iterator[tuple[VersionKey, FoundModel]]:
    # "1" is before "1.cell": what comes later replaces it.
    for entry in _entries(folder) or []:
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
