"""How a home is: what `aios doctor` says about it."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aios.errors import AiosError, CorruptHomeError
from aios.home.backup import backup_home
from aios.home.home import DEFAULT_HOME, Home
from aios.home.marker import is_home
from aios.registry.model_version import ModelVersion

_EVERY: Final = 1_000_000_000
_REMEDY: Final = "restore a copy from backups/ over aios.db (and remove aios.db-wal, aios.db-shm)"


@dataclass(frozen=True, slots=True)
class HomeReport:
    """What `aios doctor` says about a home."""

    path: str
    exists: bool
    ok: bool
    problems: tuple[str, ...] = ()
    remedy: str = ""
    runs: int = 0
    unfinished: int = 0
    versions: int = 0
    bytes: int = 0
    free_bytes: int = 0
    backup: str = ""


def check_home(path: str | Path = DEFAULT_HOME, *, backup: bool = False) -> HomeReport:
    """Look for damage in a home, whole database and all registered bundles; never changes it.

    Args:
        path: the home.
        backup: also write a copy to `HOME/backups`: see `backup_home`.
    """
    place = Path(path).expanduser().absolute()
    report = HomeReport(str(place), exists=True, ok=False, remedy=_REMEDY)
    try:
        if not is_home(place):
            remedy = "it is made by the first AICellManager(home)"
            return replace(report, exists=False, ok=True, remedy=remedy)
        saved = str(backup_home(place)) if backup else ""
        size = sum(item.stat().st_size for item in place.rglob("*") if item.is_file())
        free = shutil.disk_usage(place).free
        report = replace(report, bytes=size, free_bytes=free, backup=saved)
        with closing(Home(place, mode="read")) as home:
            return _examined(home, report)
    except AiosError as error:
        return replace(report, problems=(str(error),))


def _examined(home: Home, report: HomeReport) -> HomeReport:
    store = home.store
    found = store.problems() or store.damaged_rows()
    runs = store.runs(limit=_EVERY, strict=False)
    live = _versions(home, found)
    return replace(
        report,
        ok=not found,
        problems=tuple(found),
        remedy="restore from backups/" if found else "",
        runs=len(runs),
        unfinished=sum(run.status == "RUNNING" for run in runs),
        versions=len(live),
    )


def _versions(home: Home, problems: list[str]) -> list[ModelVersion]:
    """The versions that aren't deleted; adds what is wrong with them to `problems`."""
    try:
        documents = home.store.documents("versions")
        versions = [ModelVersion.of(item.value, {}, home) for item in documents]
    except CorruptHomeError as error:
        problems.append(str(error))
        return []
    live = [item for item in versions if not item.deleted]
    problems += [
        f"registry: {item.name} version {item.version}: bundle {item.bundle} is missing"
        for item in live
        if not Path(item.bundle).is_dir()
    ]
    return live
