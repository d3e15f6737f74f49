"""Removing contents that nothing names, beside managers that go on storing and naming some.

1. All that nothing names and nobody pins is moved to `HOME/trash`, one rename each.
2. Then pins are read, then, anew, what is named: whatever of it is in the trash is moved back.
3. The rest is deleted.

Nothing that is or will be named is lost. Who stores something pins it first and looks for it then
(`pins`). If it looked before the move, the pin is there in step 2, or was taken back after a commit
that step 2 sees. If it looked after the move, it found nothing and wrote it again. A kill at any
moment leaves the trash, which readers look into, and which the next removal starts by moving back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from aios.home.home_files import HomeFiles
from aios.home.pins import pinned

_HASH: Final = re.compile(r"[0-9a-f]{64}")


class Named(NamedTuple):
    """The hashes of the objects and of the bundles that something names."""

    objects: set[str]
    bundles: set[str]


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal has removed."""

    objects: int = 0
    bundles: int = 0
    bytes: int = 0


def hashes(text: str) -> set[str]:
    """Everything in `text` that may be the hash of a content."""
    return set(_HASH.findall(text))


class Trees:
    """What stored values name in turn: a large one is a file of JSON that names its arrays'."""

    def __init__(self, home: HomeFiles) -> None:
        self._home = home
        self._known: dict[str, set[str]] = {}

    def with_all_under(self, roots: Iterable[str]) -> set[str]:
        """`roots`, and every hash that can be reached from them."""
        found: set[str] = set()
        waiting = list(roots)
        while waiting:
            sha256 = waiting.pop()
            if sha256 not in found:
                found.add(sha256)
                waiting.extend(self._under(sha256))
        return found

    def _under(self, sha256: str) -> set[str]:
        if sha256 not in self._known:
            content = self._home.content
            for place in (content.path(sha256, ".json"), content.trash / f"{sha256}.json"):
                with suppress(OSError):
                    text = place.read_text(encoding="utf-8", errors="replace")
                    self._known[sha256] = hashes(text)
                    break
        return self._known.get(sha256, set())


def collect(
    home: HomeFiles,
    named: Callable[[], Named],
    *,
    objects: bool = True,
    stopped: Callable[[], bool] = lambda: False,
) -> Removed:
    """Remove what nothing names; the caller holds the home's lock.

    Args:
        home: the home's files.
        named: reads what is named, as it is when it is called.
        objects: False: bundles only.
        stopped: true when it shall end early; what is in the trash then is moved back.
    """
    home.content.restore_trash()
    try:
        _move_aside(home, named(), objects, stopped)
        if stopped():
            return Removed()
        kept = pinned(home.pins)
        names = named()
        return _delete(home, Named(names.objects | kept, names.bundles | kept))
    finally:
        home.content.restore_trash()


def _move_aside(home: HomeFiles, names: Named, objects: bool, stopped: Callable[[], bool]) -> None:
    held = pinned(home.pins)
    for place in (*_entries(home.bundles), *(_objects(home) if objects else ())):
        if stopped():
            return
        sha256 = _hash_of(place)
        wanted = names.bundles if place.parent == home.bundles else names.objects
        if _HASH.fullmatch(sha256) and sha256 not in wanted and sha256 not in held:
            home.content.to_trash(place)


def _delete(home: HomeFiles, names: Named) -> Removed:
    counts = [0, 0]
    size = 0
    for place in _entries(home.content.trash):
        is_bundle = place.is_dir()
        if _hash_of(place) in (names.bundles if is_bundle else names.objects):
            continue
        size += _size(place)
        counts[is_bundle] += 1
        home.content.discard(place)
    return Removed(objects=counts[0], bundles=counts[1], bytes=size)


def _objects(home: HomeFiles) -> Iterator[Path]:
    for folder in _entries(home.content.root):
        yield from _entries(folder)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _hash_of(place: Path) -> str:
    return place.name.partition(".")[0]


def _size(place: Path) -> int:
    total = 0
    with suppress(OSError):
        for item in (place, *place.rglob("*")) if place.is_dir() else (place,):
            total += item.stat().st_size if item.is_file() else 0
    return total
