"""How long a home keeps what it has, and the removal of the rest."""

from __future__ import annotations

import logging
import math
import shutil
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from aios.errors import AiosError, InvalidArgumentError
from aios.home.clock import Clock
from aios.home.content_store import disk_error
from aios.home.garbage import collect
from aios.home.home import Home
from aios.home.lock import home_lock
from aios.home.references import named
from aios.home.store import ConflictError, PutDocument
from aios.registry.version_pruning import delete_old_versions, forget_deleted_versions

_log = logging.getLogger("aios.workflow")
_DAY_S: Final = 86_400.0
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Retention:
    """What a home keeps. A run that goes on is always kept, and so is what an alias names.

    Args:
        keep_days: runs that ended in the last so many days are kept,
        keep_runs: and so are the newest so many of each workflow.
        keep_versions: the newest so many of each model are kept, and what an alias names or would
            go back to; None: all.
        every_s: how often a manager with this retention prunes its home.
    """

    keep_days: float = 30
    keep_runs: int = 100
    keep_versions: int | None = None
    every_s: float = 3600

    def __post_init__(self) -> None:
        _require("keep_days", self.keep_days, (int, float), 30)
        _require("keep_runs", self.keep_runs, (int,), 100)
        _require("every_s", self.every_s, (int, float), 3600)
        if self.keep_versions is not None:
            _require("keep_versions", self.keep_versions, (int,), 5)


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What `prune` removed; `bytes` are those of objects and bundles."""

    runs: int = 0
    versions: int = 0
    messages: int = 0
    objects: int = 0
    bundles: int = 0
    bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """The shape of `aios workflow prune --json`."""
        return asdict(self)


def prune(
    home: Home,
    clock: Clock,
    retention: Retention,
    *,
    wait_s: float = 60.0,
    stopped: Callable[[], bool] = lambda: False,
) -> PruneReport:
    """Remove what `retention` doesn't keep, beside managers that are at work on the home.

    First the records go, in one transaction per batch of runs, then the contents that nothing names
    any more; a kill between leaves contents that the next `prune` removes.

    Args:
        home: the home.
        clock: its wall clock tells what is old.
        retention: what is kept.
        wait_s: how long another process may prune or copy the home first.
        stopped: asked now and then; true ends the work early.

    Raises:
        UnavailableError: another process prunes or copies the home.
    """
    before = clock.wall() - retention.keep_days * _DAY_S
    try:
        with home_lock(home.path, wait_s=wait_s):
            runs = _forget_runs(home, before, retention.keep_runs, stopped)
            messages = home.store.forget_messages(before)
            versions = _delete_versions(home, retention.keep_versions)
            _forget_leftovers(home, before)
            removed = collect(home, lambda: named(home), stopped=stopped)
            home.store.compact()
    except OSError as error:
        raise disk_error(error, home.path) or error from error
    return PruneReport(runs, versions, messages, removed.objects, removed.bundles, removed.bytes)


def _forget_runs(home: Home, before: float, keep: int, stopped: Callable[[], bool]) -> int:
    found = home.store.expired(before, keep)
    removed = 0
    for start in range(0, len(found), _BATCH):
        if stopped():
            break
        removed += len(home.store.forget(found[start : start + _BATCH]))
    return removed


def _delete_versions(home: Home, keep: int | None) -> int:
    if keep is None:
        return 0
    names = {str(item.value.get("name")) for item in home.store.documents("versions")}
    return sum(len(delete_old_versions(home, name, keep)) for name in sorted(names))


def _forget_leftovers(home: Home, before: float) -> None:
    """Checkpoints and deleted versions of runs that are gone."""
    folder = home.path / "checkpoints"
    checkpoints = list(folder.iterdir()) if folder.is_dir() else []  # before the runs are read
    run_ids = home.store.run_ids()
    for place in checkpoints:
        if place.name not in run_ids:
            shutil.rmtree(place, ignore_errors=True)
    forget_deleted_versions(home, before, run_ids)


class RetentionKeeper:
    """Prunes a home now and then for a manager, on a thread of its own; once for all managers.

    When it was last done is a document of the home, so that short-lived managers do it, too.
    """

    def __init__(self, home: Home, clock: Clock, retention: Retention) -> None:
        self._home = home
        self._clock = clock
        self._retention = retention
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """Prune if it is due and nobody else does; returns at once."""
        if self._thread is not None and self._thread.is_alive():
            return
        if not self._stopped.is_set() and self._claim():
            self._thread = threading.Thread(target=self._prune, name="aios-prune", daemon=True)
            self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Let what goes on end early, and wait for that."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _claim(self) -> bool:
        store, now = self._home.store, self._clock.wall()
        found = store.documents("retention", "last")
        last = found[0].value.get("at") if found else None
        if isinstance(last, int | float) and 0 <= now - last < self._retention.every_s:
            return False
        revision = found[0].revision if found else 0
        try:
            store.commit([PutDocument("retention", "last", {"at": now}, revision)])
        except ConflictError:
            return False
        return True

    def _prune(self) -> None:
        try:
            report = prune(
                self._home, self._clock, self._retention, wait_s=0, stopped=self._stopped.is_set
            )
        except AiosError as error:
            if not self._stopped.is_set():
                _log.warning("the home couldn't be pruned: %s", error)
        except Exception:
            _log.exception("a bug in the retention; the manager goes on")
        else:
            _log.info("the home was pruned", extra=report.to_json())


def _require(name: str, value: Any, kinds: tuple[type, ...], example: float) -> None:
    good = isinstance(value, kinds) and not isinstance(value, bool)
    if not good or not (math.isfinite(value) and value >= 0):
        raise InvalidArgumentError(
            f"{name}: expected a number of 0 or more, such as {example}, got {value!r}"
        )
