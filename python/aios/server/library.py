"""The models that a server has: loaded, checked and warmed before they answer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from aios.bundle.manifest import read_manifest
from aios.errors import AiosError, InternalError
from aios.server.config import ServerConfig
from aios.server.folder import FoundModel, Stamp, VersionKey, contents
from aios.server.loading import SharedBridges, return_memory, warm_up
from aios.server.routing import Route, routes
from aios.server.wanted import Wanted

if TYPE_CHECKING:
    from aios._core import DataPlane, ServedModel
    from aios.bridge import TensorFlowCellularBridge
    from aios.server.shadows import Shadows

#: Loads a bundle, checked as the server was told to.
Load = Callable[[VersionKey, FoundModel], "TensorFlowCellularBridge"]


class State(StrEnum):
    """Where a version is in its life, in TensorFlow Serving's words."""

    START = "START"
    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    UNLOADING = "UNLOADING"
    END = "END"


@dataclass
class ModelEntry:
    """One version, as it is now.

    `error` is why it failed to load, where it did: it has ended then, or, while `model` is there,
    the bundle that was put in its place failed, and the one before still answers. `contents` are
    the files that were there when it was loaded; `note` is what there is to say of one that
    answers.
    """

    key: VersionKey
    found: FoundModel
    state: State = State.START
    error: AiosError | None = None
    contents: Stamp = ()
    note: str = ""
    bridge: TensorFlowCellularBridge | None = None
    model: ServedModel | None = field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """Why it isn't as it should be; empty where it is."""
        return self.note if self.error is None else str(self.error)


class ModelLibrary:
    """Keeps what a server answers with equal to what is wanted.

    Args:
        plane: Where models are put to use.
        load: Loads a bundle; what it raises is the reason that is shown.
        config: Canaries, shadows, and how models are loaded.
        shadows: Compares challengers.
        loaders: How many are loaded at a time.
    """

    def __init__(
        self,
        plane: DataPlane,
        load: Load,
        config: ServerConfig,
        shadows: Shadows | None = None,
        *,
        loaders: int = 2,
    ) -> None:
        self._plane = plane
        self._load = load
        self._config = config
        self._shadows = shadows
        self._loaders = loaders
        self._bridges = SharedBridges()
        self._syncing = threading.Lock()
        self._publishing = threading.Lock()
        self._lock = threading.Lock()
        self._entries: dict[VersionKey, ModelEntry] = {}
        self._wanted = Wanted({})
        self._routes: dict[str, Route] = {}
        self._is_ready = False

    def sync(self, wanted: Wanted) -> None:
        """Loads what is new, then stops serving what isn't wanted any more.

        A bundle in the place of another one, and one that fails, leave what answers alone until
        it is there, or for good. What failed is tried again when one of its files changes, as it
        may have been looked at while it was copied.
        """
        with self._syncing:
            before, self._wanted = self._wanted, wanted
            changed = [key for key, one in wanted.versions.items() if self._is_news(key, one)]
            with ThreadPoolExecutor(self._loaders, "aios-server-load") as loading:
                for done in [
                    loading.submit(self._bring_up, key, wanted.versions[key])
                    for key in sorted(changed)
                ]:
                    done.result()
            for key in wanted.versions:
                self._entries[key].note = wanted.notes.get(key, "")
            gone = [key for key in self._entries if not self._may_stay(key)]
            for key in gone:
                self._take_down(key)
            if gone or changed:
                return_memory()
            self._is_ready = True
            if (wanted.labels, wanted.usual) != (before.labels, before.usual):
                self._publish()

    def try_again(self, name: str) -> None:
        """Lets the next sync() try what failed of a model, changed or not."""
        with self._syncing:
            for entry in self.entries():
                if entry.key.name == name and entry.error is not None:
                    entry.contents = ()

    def entries(self) -> list[ModelEntry]:
        """Every version, by name and number."""
        with self._lock:
            return [self._entries[key] for key in sorted(self._entries)]

    def routes(self) -> dict[str, Route]:
        """Of each model that answers: its labels, and who answers where no version is asked for."""
        return dict(self._routes)

    def usual(self, name: str) -> int | None:
        """The version of a model that answers where none is asked for; None if none does."""
        route = self._routes.get(name)
        return None if route is None else route.usual

    @property
    def is_ready(self) -> bool:
        """Whether every model has a version that answers."""
        entries = self.entries()
        names = {entry.key.name for entry in entries}
        answering = {entry.key.name for entry in entries if entry.model is not None}
        return self._is_ready and names == answering

    def close(self) -> None:
        """Takes every model down."""
        self.sync(Wanted({}))

    def _is_news(self, key: VersionKey, found: FoundModel) -> bool:
        known = self._entries.get(key)
        return known is None or known.found != found or _changed_since_it_failed(known)

    def _may_stay(self, key: VersionKey) -> bool:
        """Whether it is wanted, or stands in while what is wanted of its model doesn't answer."""
        if key in self._wanted.versions:
            return True
        if key not in self._wanted.spare or self._entries[key].model is None:
            return False
        others = [self._entries[one] for one in self._wanted.versions if one.name == key.name]
        return all(entry.model is None for entry in others)

    def _bring_up(self, key: VersionKey, found: FoundModel) -> None:
        before = self._entries.get(key)
        if before is None or before.model is None:
            self._set(ModelEntry(key, found, State.LOADING))
        files = contents(found.path)
        entry = replace(self._loaded(key, found), contents=files)
        keeps = entry.error is not None and before is not None and before.model is not None
        if keeps and before is not None:
            entry = replace(before, found=found, error=entry.error, contents=files)
        self._set(entry)
        self._publish()
        if not keeps and before is not None and before.bridge is not None:
            self._bridges.give_back(before.bridge)

    def _loaded(self, key: VersionKey, found: FoundModel) -> ModelEntry:
        """The version, loaded and warm, or the reason why it isn't."""
        told = self._config.of_model(key.name)
        how = (told.engine, told.precision, told.verify)
        try:
            bridge = self._bridges.take(found, how, lambda: self._ready_to_answer(key, found))
            model = self._plane.serve(key.name, key.version, bridge, _class_labels(found))
        except AiosError as error:
            return ModelEntry(key, found, State.END, error)
        except Exception as error:
            bug = InternalError(f"{type(error).__name__}: {error}")
            return ModelEntry(key, found, State.END, bug)
        return ModelEntry(key, found, State.AVAILABLE, bridge=bridge, model=model)

    def _ready_to_answer(self, key: VersionKey, found: FoundModel) -> TensorFlowCellularBridge:
        bridge = self._load(key, found)
        warm_up(bridge)
        return bridge

    def _take_down(self, key: VersionKey) -> None:
        entry = self._entries[key]
        entry.state = State.UNLOADING
        model, entry.model = entry.model, None
        self._publish()
        del model
        if entry.bridge is not None:
            self._bridges.give_back(entry.bridge)
        with self._lock:
            del self._entries[key]

    def _set(self, entry: ModelEntry) -> None:
        with self._lock:
            self._entries[entry.key] = entry

    def _publish(self) -> None:
        """Lets the data plane answer with what there is now."""
        with self._publishing:
            models = {
                entry.key: model for entry in self.entries() if (model := entry.model) is not None
            }
            answering: dict[str, list[int]] = {}
            for key in models:
                answering.setdefault(key.name, []).append(key.version)
            self._routes = routes(self._wanted, self._config, answering, self._routes)
            self._plane.use(
                list(models.values()),
                {
                    name: (dict(route.labels), route.usual, route.canary)
                    for name, route in self._routes.items()
                },
            )
            if self._shadows is not None:
                self._shadows.follow(self._routes, models)


def _changed_since_it_failed(entry: ModelEntry) -> bool:
    return entry.error is not None and contents(entry.found.path) != entry.contents


def _class_labels(found: FoundModel) -> tuple[str, ...]:
    """The names of a classifier's classes, where its bundle has them."""
    if not found.is_proven:
        return ()
    # What was taken away or replaced while it was loaded answers until that is seen.
    with contextlib.suppress(AiosError):
        return read_manifest(found.path).labels or ()
    return ()
