"""What cells tell each other: typed, versioned, immutable messages.

A message's wire form is JSON: its fields by name, beside its type's name and version. A reader
ignores fields that it doesn't know and gives absent ones their default, so adding a field with a
default keeps the version; any other change raises `VERSION` and adds an entry to `_UPGRADES`.
"""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final

from aios.errors import UnsupportedError
from aios.home.store import StoredMessage

_counter = itertools.count()
_prefix: list[tuple[int, str]] = [(0, "")]
_types: dict[str, type[Message]] = {}


def new_message_id() -> str:
    """An id that no other message has: random per process, then counted."""
    pid = os.getpid()
    if _prefix[0][0] != pid:
        _prefix[0] = (pid, secrets.token_hex(10))
    return f"{_prefix[0][1]}-{next(_counter)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Base of all messages. `run_id` and `step` are empty where no run is involved."""

    VERSION: ClassVar[int] = 1
    run_id: str = ""
    step: str = ""
    id: str = field(default_factory=new_message_id)
    created: float = field(default_factory=time.time)

    def __init_subclass__(cls) -> None:
        """Make the type known to `from_stored`; the last class of a name wins, as in a notebook."""
        _types[cls.__name__] = cls

    def to_stored(self) -> StoredMessage:
        """Encode for the store."""
        name = type(self).__name__
        body = {
            item.name: getattr(self, item.name) for item in fields(self) if item.name not in _HEADER
        }
        return StoredMessage(self.id, name, self.VERSION, self.run_id, self.created, body)


_HEADER: Final = ("id", "run_id", "created")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Message):
    """A run was accepted; `data_sha256` names its input."""

    workflow: str = ""
    data_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTakenOver(Message):
    """Another manager, or the same one after a restart, goes on with the run."""

    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Message):
    """A run ended; `error` says why it didn't succeed."""

    workflow: str = ""
    status: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Message):
    """A step began; `reason` says why a finished one runs again."""

    attempt: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Message):
    """A step ended: `status` is SUCCESS, RETRYING, FAILED or CANCELLED."""

    status: str = ""
    seconds: float = 0.0
    attempt: int = 1
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress(Message):
    """One epoch of a training; `metrics` as the framework names them."""

    epoch: int = 0
    epochs: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTrained(Message):
    """A training ended; `resumed_from` is the epoch of the checkpoint it went on from, or None."""

    workflow: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    resumed_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelExported(Message):
    """A bundle was written; `sha256` is its hash."""

    workflow: str = ""
    sha256: str = ""
    bytes: int = 0
    engines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVerified(Message):
    """A bundle's artifacts were re-run against its golden samples on this machine."""

    workflow: str = ""
    sha256: str = ""
    ok: bool = False
    max_error: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecided(Message):
    """A gate's verdict; `reason` names what missed its limit."""

    passed: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered(Message):
    """A version was added to the registry."""

    name: str = ""
    version: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDeployed(Message):
    """An alias now answers with `version`; `previous` is what it answered with before."""

    name: str = ""
    version: int = 0
    alias: str = "champion"
    previous: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRolledBack(Message):
    """An alias went back to the `version` it had before."""

    name: str = ""
    version: int = 0
    alias: str = "champion"
    previous: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftDetected(Message):
    """Inputs or outputs of a deployed version left the training profile: `psi` > `threshold`."""

    name: str = ""
    version: int = 0
    tensor: str = ""
    feature: int = 0
    psi: float = 0.0
    threshold: float = 0.0
    rows: int = 0


Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
_UPGRADES: Final[dict[tuple[str, int], Upgrade]] = {}


def from_stored(stored: StoredMessage) -> Message:
    """Decode a stored message; one of an unknown type comes back as a plain `Message`.

    Raises:
        UnsupportedError: the message was written by a later version of its type.
    """
    kind = _types.get(stored.type)
    header: dict[str, Any] = {
        "id": stored.id,
        "run_id": stored.run_id,
        "created": stored.created,
    }
    if kind is None:
        return Message(step=str(stored.body.get("step", "")), **header)
    if stored.version > kind.VERSION:
        raise UnsupportedError(
            f"message {stored.type} has version {stored.version}, this release knows"
            f" {kind.VERSION};"
            " upgrade aios-cells"
        )
    body = dict(stored.body)
    for version in range(stored.version, kind.VERSION):
        upgrade = _UPGRADES.get((stored.type, version))
        body = body if upgrade is None else upgrade(body)
    known = {item.name for item in fields(kind)}
    values = {key: _tuple(value) for key, value in body.items() if key in known}
    return kind(**header, **values)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
