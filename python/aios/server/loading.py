"""Loading of models beside traffic: at a lower priority, warm before they answer, each once."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from aios.bridge.engines import facts_of
from aios.bundle.directory import BundleDirectory
from aios.bundle.dtypes import STRING, numpy_dtype
from aios.bundle.integrity import check_files, open_bundle
from aios.bundle.records import MANIFEST
from aios.bundle.schema import MANIFEST_BYTES
from aios.errors import AiosError
from aios.server.folder import FoundModel

if TYPE_CHECKING:
    from aios.bridge import TensorFlowCellularBridge

#: Calls before a model is ready: fast ones are timed every 16th time.
_WARM_UP_CALLS = 33
#: Longer than this no batch size is called, but once.
_WARM_UP_S = 0.05
#: Engines are chosen for batches up to a power of two; larger ones when they first come.
_WARM_BATCHES = (1, 2, 4, 8, 16, 32)
#: What is given way to traffic, as the C++ core does where it loads.
_NICER = 10
_MOST_LOADERS = 8

#: What of a model makes it the same as another: its bundle's manifest, and how it is loaded.
Identity = tuple[Any, ...]


@dataclass
class _Copy:
    """A model that was loaded, and who holds it; `done` is set when it has ended, well or not."""

    found: FoundModel
    holders: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    bridge: TensorFlowCellularBridge | None = None


class SharedBridges:
    """Loads every model once, however many versions have its bundle's content."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copies: dict[Identity, _Copy] = {}
        self._identities: dict[int, Identity] = {}

    def take(
        self, found: FoundModel, how: tuple[Any, ...], load: Callable[[], TensorFlowCellularBridge]
    ) -> TensorFlowCellularBridge:
        """The model of what was found; loaded now if nobody has it.

        Args:
            found: A bundle or a SavedModel.
            how: Options that make another model of the same bundle.
            load: Loads it; called at most once for one content at a time.

        Raises:
            AiosError: As `load`; or a file of the bundle isn't what its manifest says.
        """
        identity = _identity(found, how)
        while True:
            with self._lock:
                copy = self._copies.get(identity)
                is_first = copy is None
                if copy is None:
                    copy = self._copies[identity] = _Copy(found)
                copy.holders += 1
            if is_first:
                return self._loaded(identity, copy, load)
            copy.done.wait()
            if copy.bridge is not None:
                return self._joined(found, copy.found, copy.bridge)

    def give_back(self, bridge: TensorFlowCellularBridge) -> None:
        """Closes it, if nobody else has it."""
        with self._lock:
            identity = self._identities.get(id(bridge))
            if identity is not None:
                copy = self._copies[identity]
                copy.holders -= 1
                if copy.holders > 0:
                    return
                del self._copies[identity], self._identities[id(bridge)]
        bridge.close()

    def _loaded(
        self, identity: Identity, copy: _Copy, load: Callable[[], TensorFlowCellularBridge]
    ) -> TensorFlowCellularBridge:
        try:
            bridge = load()
        except BaseException:
            # Whoever waits for it tries it alone, and has an error of its own.
            with self._lock:
                del self._copies[identity]
            raise
        else:
            with self._lock:
                copy.bridge = bridge
                self._identities[id(bridge)] = identity
            return bridge
        finally:
            copy.done.set()

    def _joined(
        self, found: FoundModel, other: FoundModel, bridge: TensorFlowCellularBridge
    ) -> TensorFlowCellularBridge:
        """The other one's model, where this one's files are as whole."""
        if found == other:
            return bridge
        try:
            check_files(open_bundle(found.path), sizes_only=False)
        except AiosError:
            self.give_back(bridge)
            raise
        return bridge


def _identity(found: FoundModel, how: tuple[Any, ...]) -> Identity:
    if found.is_proven:
        # It names every file with its hash. Who wrote it needn't be trusted: it may be a FIFO.
        with contextlib.suppress(AiosError):
            manifest = BundleDirectory(found.path).read_small(MANIFEST, MANIFEST_BYTES)
            return (sha256(manifest).digest(), how)
    return (found, how)


def warm_up(bridge: TensorFlowCellularBridge) -> None:
    """Calls a model on zeros in every batch size that engines are chosen for.

    So an engine is chosen, and it is known what a call takes, before the first client comes. It is
    done at a lower priority, unless the engine has threads of its own: those would keep it.
    """
    if facts_of(bridge.engine).starts_threads:
        _call_in_every_batch(bridge)
        return
    quiet = threading.Thread(target=_quietly, args=(bridge,), name="aios-server-warm")
    quiet.start()
    quiet.join()


def loaders() -> int:
    """How many models are loaded at a time."""
    return max(1, min(_MOST_LOADERS, len(os.sched_getaffinity(0))))


def return_memory() -> None:
    """Gives the system the memory that closed models have left, where the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _quietly(bridge: TensorFlowCellularBridge) -> None:
    with contextlib.suppress(OSError):
        # Linux takes a thread for a process here; as src/runtime/background.cpp.
        this = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, this, os.getpriority(os.PRIO_PROCESS, this) + _NICER)
    _call_in_every_batch(bridge)


def _call_in_every_batch(bridge: TensorFlowCellularBridge) -> None:
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
