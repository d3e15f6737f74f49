"""Models that clients unloaded, which stay so until they are loaded again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from aios.server.folder import FoundModel, VersionKey
from aios.server.wanted import Wanted


class HeldModels:
    """Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: set[str] = set()
        self._left_out: list[VersionKey] = []

    def hold(self, name: str) -> None:
        """Leaves all versions of a model out from now on."""
        with self._lock:
            self._names.add(name)

    def release(self, name: str) -> None:
        """Leaves them out no more."""
        with self._lock:
            self._names.discard(name)

    def without(self, found: Mapping[VersionKey, FoundModel]) -> dict[VersionKey, FoundModel]:
        """What was found and isn't held."""
        with self._lock:
            self._left_out = sorted(key for key in found if key.name in self._names)
            return {key: model for key, model in found.items() if key.name not in self._names}

    def left_of(self, wanted: Wanted) -> Wanted:
        """What is wanted and isn't held."""
        spare = self.without(wanted.spare)
        return replace(wanted, versions=self.without(wanted.versions), spare=spare)

    def left_out(self) -> list[VersionKey]:
        """The versions that were found last and are held, by name and number."""
        with self._lock:
            return list(self._left_out)
