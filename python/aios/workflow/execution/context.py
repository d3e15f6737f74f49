"""What a step knows about the run that it belongs to."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aios.errors import FailedPreconditionError, UnsupportedError
from aios.home.bundles import adopt_bundle
from aios.home.content_store import FileRef
from aios.home.home_files import HomeFiles
from aios.home.messages import Message
from aios.home.store import AddMessage, Change, Json, PutDocument, Store

if TYPE_CHECKING:
    from aios.registry.registry import Registry

_log = logging.getLogger("aios.workflow")
_REPORT_INTERVAL_S: Final = 0.1


class StepCancelledError(FailedPreconditionError):
    """The step's run was cancelled, its manager closes, or its time is over."""


@dataclass(slots=True, eq=False)
class StepContext:
    """Passed to a step that has a parameter named `context`; valid during that attempt only.

    `emit` and `add_change` take effect in the one transaction that records the step's success: not
    at all if the attempt fails, and not twice if it runs twice.
    """

    run_id: str
    workflow: str
    step: str
    attempt: int
    home: HomeFiles
    data_sha256: str = ""
    key: str = ""
    store: Store | None = None
    registry: Registry | None = None
    publish: Callable[[Message], None] = lambda message: None
    commit: Callable[[list[Change], bool], None] = lambda changes, durable: None
    verdict: Json | None = None
    durable: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)
    changes: list[Change] = field(default_factory=list)
    last_report: float = 0.0

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose records carry the run and the step."""
        return logging.LoggerAdapter(_log, {"run_id": self.run_id, "step": self.step})

    def emit(self, message: Message) -> None:
        """Send a durable message with the step's success; run and step are filled in."""
        self.changes.append(AddMessage(self.mine(message).to_stored()))

    def report(self, message: Message) -> None:
        """Send progress now, whatever becomes of the step.

        Subscribers in this process get every message; the disk, and so `run.events()`, ten a
        second.
        """
        message = self.mine(message)
        self.publish(message)
        now = time.monotonic()
        if now - self.last_report >= _REPORT_INTERVAL_S:
            self.last_report = now
            self.commit([AddMessage(message.to_stored())], False)

    def mine(self, message: Message) -> Message:
        """`message` with this run and step filled in."""
        return replace(message, run_id=self.run_id, step=self.step)

    def add_change(self, change: Change) -> None:
        """Write something else to the store with the step's success."""
        self.changes.append(change)

    def check_cancelled(self) -> None:
        """Raise `StepCancelledError` when the run needs this step no more; long steps call it."""
        if self.cancelled.is_set():
            raise StepCancelledError(f"step '{self.step}' of run {self.run_id} was cancelled")

    def once(self, name: str, effect: Callable[[], Any]) -> Any:
        """Run `effect` and keep its JSON result under (run, step, name).

        Later attempts get that result. It is committed by itself as soon as it is there. A kill
        between the effect and that commit makes it happen again, so give other systems the key
        `effect_key(name)` to recognise it by.

        Raises:
            UnsupportedError: the step is isolated.
        """
        key = self.effect_key(name)
        if self.store is None:
            raise UnsupportedError(f"step '{self.step}': once() needs a step that isn't isolated")
        found = self.store.documents("effects", key)
        if found and found[0].key == key:
            return found[0].value["result"]
        result = effect()
        self.commit([PutDocument("effects", key, {"result": result}, expect=0)], True)
        return result

    def register_model(self, name: str, bundle: Path, **details: Any) -> int:
        """Add a bundle to the registry with the step's success; returns the version's number.

        Keyed by (run, step): a step that runs twice registers once.

        Args:
            name: of the model.
            bundle: its folder, which is copied into the home unless it is there.
            **details: fields of `ModelVersion`, such as metrics={"accuracy": 0.98}.

        Raises:
            UnsupportedError: the step is isolated.
        """
        registry = self._registry()
        place, sha256 = adopt_bundle(self.home, bundle)
        details = {"run_id": self.run_id, "workflow": self.workflow, **details}
        version, changes = registry.registration(
            name, place, sha256, details, effect=self.effect_key()
        )
        self.changes.extend(changes)
        self.durable = True
        return version

    def promote_model(self, name: str, version: int, alias: str = "champion") -> None:
        """Let an alias answer with a version from the step's success on; keyed by (run, step)."""
        self.durable = True
        self.changes.extend(
            self._registry().promotion(
                name, version, alias, run_id=self.run_id, effect=self.effect_key()
            )
        )

    def _registry(self) -> Registry:
        if self.registry is None:
            raise UnsupportedError(
                f"step '{self.step}': the registry can't be changed by an isolated step; do it in"
                " one that isn't"
            )
        return self.registry

    def effect_key(self, name: str = "") -> str:
        """The same for every attempt of this step in this run, and for nothing else."""
        return f"{self.run_id}/{self.step}/{name}"

    def save_file(self, path: str | Path) -> FileRef:
        """Keep a copy of a file by content; return the reference to pass it on."""
        return self.home.content.put_file(Path(path))

    def open_file(self, ref: FileRef) -> Path:
        """The path of a file kept by an earlier step; read only."""
        return self.home.content.open_path(ref)

    @contextmanager
    def work_dir(self) -> Iterator[Path]:
        """An empty folder on the home's disk, removed at the end."""
        with self.home.content.work_dir(self.step) as place:
            yield place

    @property
    def checkpoint_dir(self) -> Path:
        """A folder that outlives attempts of the same code and inputs, until the run is over."""
        name = self.step.replace("[", "-").replace("]", "")
        place = self.home.checkpoints(self.run_id) / f"{name}-{self.key}"
        place.mkdir(parents=True, exist_ok=True)
        return place
