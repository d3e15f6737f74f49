"""Where a server's models come from: a folder, or a manager's home."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import Protocol

from aios.errors import FailedPreconditionError, InvalidArgumentError
from aios.home.clock import SystemClock
from aios.home.home import Home
from aios.home.store import Store
from aios.registry.model_version import ModelVersion
from aios.registry.registry import Registry
from aios.server.config import ServerConfig
from aios.server.exports import BackgroundExports
from aios.server.folder import FoundModel, VersionKey, oddities, scan
from aios.server.wanted import Wanted, wanted

_log = logging.getLogger("aios.server")

#: The alias of the version that answers where none is asked for.
CHAMPION = "champion"


class Source(Protocol):
    """Tells what there is to serve, as often as it is asked."""

    @property
    def store(self) -> Store | None:
        """Where what is found out of versions is kept; None for nowhere."""

    def look(self) -> Wanted:
        """What is to be served now.

        Raises:
            AiosError: It can't be told; what is served goes on.
        """

    def close(self) -> None:
        """Lets go of what it holds open."""


def source_of(config: ServerConfig) -> Source:
    """The source that a config names.

    Raises:
        InvalidArgumentError: It names none, or both.
        AiosError: A manager's home can't be opened.
    """
    if (config.models is None) is (config.registry is None):
        raise InvalidArgumentError(
            "expected either models, a folder of models or a bundle, as models='models', or "
            "registry, a manager's home, as registry='~/.aios'"
        )
    if config.registry is not None:
        return HomeSource(config.registry, config)
    assert config.models is not None
    return FolderSource(config.models, config)


class FolderSource:
    """A folder of models, or one bundle; its labels are those of the config.

    SavedModels are exported in the background, unless the config says otherwise or this process
    can't start another Python.
    """

    store = None

    def __init__(self, folder: Path, config: ServerConfig) -> None:
        self._folder = folder
        self._config = config
        # Nobody would have signed what is exported here.
        exports = config.export and config.require_signature is None
        self._exports = BackgroundExports() if exports else None
        self._told: set[str] = set()

    def look(self) -> Wanted:
        """What is in the folder.

        Raises:
            NotFoundError: There is no such folder.
            InvalidArgumentError: It isn't one of models.
        """
        told = wanted(scan(self._folder), self._config)
        for text in set(oddities(self._folder)) - self._told:
            _log.warning("isn't served: %s", text)
            self._told.add(text)
        return told if self._exports is None else self._exports.applied(told)

    def close(self) -> None:
        """Ends what is being exported."""
        if self._exports is not None:
            self._exports.close()


class HomeSource:
    """A manager's home: the versions of its registry; labels are their aliases.

    Versions without an alias are served if they are the newest, unless the config says otherwise;
    `champion` answers where no version is asked for. A home that can't be written is read anew at
    each look.
    """

    def __init__(self, home: Path, config: ServerConfig) -> None:
        self._config = config
        self._path = home
        self._home: Home | None = None
        try:
            self._home = Home(home, mode="open")
        except FailedPreconditionError:
            Home(home, mode="read").close()

    @property
    def store(self) -> Store | None:
        """Where what is found out of versions is kept; None where the home can't be written."""
        return None if self._home is None else self._home.store

    def look(self) -> Wanted:
        """What is registered, and what aliases name.

        Raises:
            CorruptHomeError: The registry is damaged.
        """
        if self._home is not None:
            return self._registered(self._home)
        with closing(Home(self._path, mode="read")) as home:
            return self._registered(home)

    def close(self) -> None:
        """Closes the home."""
        if self._home is not None:
            self._home.close()

    def _registered(self, home: Home) -> Wanted:
        versions = Registry(home, SystemClock()).versions()
        labels: dict[str, dict[str, int]] = {}
        for version in versions:
            of_name = labels.setdefault(version.name, {})
            of_name.update(dict.fromkeys(version.aliases, version.version))
        champions = {
            name: of_name[CHAMPION] for name, of_name in labels.items() if CHAMPION in of_name
        }
        return wanted(
            dict(map(_found, versions)),
            self._config,
            labels=labels,
            usual=champions,
            versions="labelled",
        )


def _found(version: ModelVersion) -> tuple[VersionKey, FoundModel]:
    """A bundle in a home never changes; its place may, with the home's."""
    key = VersionKey(version.name, version.version)
    return key, FoundModel(Path(version.bundle), (int(version.sha256, 16),), True)
