"""Challengers that get copies of calls: who is compared with whom, and what came of it so far."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from aios.errors import AiosError
from aios.home.store import Store
from aios.registry.shadow_results import ShadowResult, keep_shadow_result, shadow_results
from aios.server.config import ServerConfig
from aios.server.folder import VersionKey
from aios.server.routing import Route

_log = logging.getLogger("aios.server")


class Comparison(Protocol):
    """`aios._core.Shadow`: copies calls until it is closed."""

    def totals(self) -> dict[str, Any]:
        """What was compared so far."""

    def close(self) -> None:
        """Ends it."""


#: Starts one: champion, challenger, share, tolerance.
Start = Callable[[Any, Any, float, float], Comparison]


class _Pair(NamedTuple):
    name: str
    champion: int
    challenger: int


@dataclass
class _Running:
    pair: _Pair
    models: tuple[Any, Any]
    comparison: Comparison
    kept: dict[str, Any] = field(default_factory=dict)

    def counted(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All that was counted, and what of it isn't kept yet."""
        totals = self.comparison.totals()
        return totals, {name: _since(each, self.kept.get(name)) for name, each in totals.items()}


class Shadows:
    """Starts and ends comparisons as routes change, and keeps what they count.

    Args:
        start: Starts a comparison of two models.
        config: Shares and tolerances.
        store: Of a manager's home, where the counts are kept; without one they are this server's.
    """

    def __init__(self, start: Start, config: ServerConfig, store: Store | None = None) -> None:
        self._start = start
        self._config = config
        self._store = store
        # For one at a time that changes what runs, or keeps: a home may be busy for long.
        self._keeping = threading.Lock()
        self._lock = threading.Lock()
        self._running: dict[str, _Running] = {}
        self._results: dict[_Pair, ShadowResult] = {}
        for result in [] if store is None else shadow_results(store):
            self._results[_Pair(result.name, result.champion, result.challenger)] = result

    def follow(self, routes: Mapping[str, Route], models: Mapping[VersionKey, Any]) -> None:
        """Compares what the routes say, and nothing else.

        Args:
            routes: Of every model that answers.
            models: What the data plane answers with.
        """
        with self._keeping:
            wanted = {
                name: _Pair(name, route.usual, route.challenger)
                for name, route in routes.items()
                if route.challenger is not None
            }
            for name, running in list(self._running.items()):
                pair = wanted.get(name)
                if pair is None or pair != running.pair or _models(pair, models) != running.models:
                    self._keep(running)
                    with self._lock:
                        del self._running[name]
                    running.comparison.close()
            for name, pair in wanted.items():
                if name not in self._running:
                    self._begin(pair, models)

    def keep(self) -> None:
        """Adds what was counted since to what is kept."""
        with self._keeping:
            for running in self._running.values():
                self._keep(running)

    def results(self) -> list[ShadowResult]:
        """Everything that is known, up to now; whoever asks doesn't wait for the home."""
        with self._lock:
            known = dict(self._results)
            for running in self._running.values():
                _, news = running.counted()
                known[running.pair] = known[running.pair].plus(news)
        return [known[pair] for pair in sorted(known)]

    def running(self) -> set[tuple[str, int, int]]:
        """Which are compared now: name, champion, challenger."""
        with self._lock:
            return {running.pair for running in self._running.values()}

    def close(self) -> None:
        """Ends all comparisons."""
        self.follow({}, {})

    def _begin(self, pair: _Pair, models: Mapping[VersionKey, Any]) -> None:
        told = self._config.of_model(pair.name).shadow
        assert told is not None
        both = _models(pair, models)
        running = _Running(pair, both, self._start(*both, told.share, told.tolerance))
        with self._lock:
            self._results.setdefault(pair, ShadowResult(**pair._asdict()))
            self._running[pair.name] = running

    def _keep(self, running: _Running) -> None:
        totals, news = running.counted()
        if not any(news[name] for name in ("compared", "failed", "dropped")):
            return
        before = self._results[running.pair]
        after = before.plus(news)
        if self._store is not None:
            try:
                after = keep_shadow_result(self._store, *running.pair, news)
            except AiosError as error:
                _log.warning("what is compared of '%s' isn't kept: %s", running.pair.name, error)
                return
        with self._lock:
            running.kept = totals
            self._results[running.pair] = after


def _models(pair: _Pair, models: Mapping[VersionKey, Any]) -> tuple[Any, Any]:
    champion = models[VersionKey(pair.name, pair.champion)]
    return champion, models[VersionKey(pair.name, pair.challenger)]


def _since(value: Any, kept: Any) -> Any:
    """What came to a count, or to buckets of them; anything else as it is."""
    if kept is None or isinstance(value, str | float):
        return value
    if isinstance(value, list):
        return [now - before for now, before in zip(value, kept, strict=True)]
    return value - kept
