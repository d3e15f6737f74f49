"""The models that a server has: loaded, checked and warmed before they answer."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.bundle.dtypes import STRING, numpy_dtype
from aios.bundle.manifest import read_manifest
from aios.errors import AiosError, InternalError
from aios.server.config import ServerConfig
from aios.server.folder import FoundModel, Stamp, VersionKey, contents

if TYPE_CHECKING:
    from aios._core import DataPlane, ServedModel
    from aios.bridge import TensorFlowCellularBridge

#: Loads a bundle, checked as the server was told to.
Load = Callable[[VersionKey, FoundModel], "TensorFlowCellularBridge"]

#: Calls before a model is ready: fast ones are timed every 16th time.
_WARM_UP_CALLS = 33
#: Longer than this no batch size is called, but once.
_WARM_UP_S = 0.05
#: Engines are chosen for batches up to a power of two; larger ones when they first come.
_WARM_BATCHES = (1, 2, 4, 8, 16, 32)


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
    the files that were there when it was loaded.
    """

    key: VersionKey
    found: FoundModel
    state: State = State.START
    error: AiosError | None = None
    contents: Stamp = ()
    bridge: TensorFlowCellularBridge | None = None
    model: ServedModel | None = field(default=None, repr=False)


class ModelLibrary:
    """Keeps what a server answers with equal to what is wanted.

    Args:
        plane: Where models are put to use.
        load: Loads a bundle; what it raises is the reason that is shown.
        config: The labels of models.
    """

    def __init__(self, plane: DataPlane, load: Load, config: ServerConfig) -> None:
        self._plane = plane
        self._load = load
        self._config = config
        self._syncing = threading.Lock()
        self._lock = threading.Lock()
        self._entries: dict[VersionKey, ModelEntry] = {}
        self._is_ready = False

    def sync(self, wanted: Mapping[VersionKey, FoundModel]) -> None:
        """Loads what is new, then stops serving what isn't wanted any more.

        A bundle in the place of another one, and one that fails, leave what answers alone until
        it is there, or for good. What failed is tried again when one of its files changes, as it
        may have been looked at while it was copied.
        """
        with self._syncing:
            for key, found in wanted.items():
                known = self._entries.get(key)
                if known is None or known.found != found or _changed_since_it_failed(known):
                    self._bring_up(key, found)
            for key in [key for key in self._entries if key not in wanted]:
                self._take_down(key)
            self._is_ready = True

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

    @property
    def is_ready(self) -> bool:
        """Whether every model has a version that answers."""
        entries = self.entries()
        names = {entry.key.name for entry in entries}
        answering = {entry.key.name for entry in entries if entry.model is not None}
        return self._is_ready and names == answering

    def close(self) -> None:
        """Takes every model down."""
        self.sync({})

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
            before.bridge.close()

    def _loaded(self, key: VersionKey, found: FoundModel) -> ModelEntry:
        """The version, loaded and warm, or the reason why it isn't."""
        try:
            bridge = self._load(key, found)
            _warm_up(bridge)
            model = self._plane.serve(key.name, key.version, bridge, _class_labels(found))
        except AiosError as error:
            return ModelEntry(key, found, State.END, error)
        except Exception as error:
            bug = InternalError(f"{type(error).__name__}: {error}")
            return ModelEntry(key, found, State.END, bug)
        return ModelEntry(key, found, State.AVAILABLE, bridge=bridge, model=model)

    def _take_down(self, key: VersionKey) -> None:
        entry = self._entries[key]
        entry.state = State.UNLOADING
        model, entry.model = entry.model, None
        self._publish()
        del model
        if entry.bridge is not None:
            entry.bridge.close()
        with self._lock:
            del self._entries[key]

    def _set(self, entry: ModelEntry) -> None:
        with self._lock:
            self._entries[entry.key] = entry

    def _publish(self) -> None:
        models = [entry.model for entry in self.entries() if entry.model is not None]
        labels = {name: dict(told.labels) for name, told in self._config.per_model.items()}
        self._plane.use(models, labels)


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


def _warm_up(bridge: TensorFlowCellularBridge) -> None:
    """Calls a model on zeros in every batch size that engines are chosen for.

    So an engine is chosen, and it is known what a call takes, before the first client comes.
    """
    for batch in _WARM_BATCHES if _takes_batches(bridge) else (1,):
        inputs = {spec.name: _zeros(spec, batch) for spec in bridge.signature.inputs}
        deadline = time.monotonic() + _WARM_UP_S
        # There are models that zeros don't suit; it has answered its own samples.
        with contextlib.suppress(AiosError):
            for _ in range(_WARM_UP_CALLS):
                bridge.perform_inference(inputs)
                if time.monotonic() > deadline:
                    break


def _takes_batches(bridge: TensorFlowCellularBridge) -> bool:
    return all(spec.shape and spec.shape[0] < 0 for spec in bridge.signature.inputs)


def _zeros(spec: Any, batch: int) -> Any:
    shape = [1 if size < 0 else size for size in spec.shape]
    if spec.shape and spec.shape[0] < 0:
        shape[0] = batch
    zero: Any = b"" if spec.dtype == STRING else 0
    return np.full(shape, zero, numpy_dtype(spec.dtype))
