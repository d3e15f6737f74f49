"""Saving training after each epoch, and going on where an interrupted one stopped.

One safetensors file holds all of it: weights, optimizer, random states, early stopping, history. It
is written beside its place and renamed into it, so a reader finds the old one or the new one.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from aios.errors import FailedPreconditionError, OverloadedError

_FILE = "training.safetensors"
_STATE = "aios.training"
_FORMAT = 1

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(slots=True)
class TrainingState:
    """Everything that a resumed training needs beside the variables' values.

    Attributes:
        seed: What the order of the samples is drawn from.
        epochs: Epochs done.
        stopped: Whether training had stopped by itself, so that nothing is left to train.
        history: One value per epoch and metric.
        stopping: Early stopping's own counters, by attribute.
        best_weights: The best weights so far, where early stopping keeps them.
    """

    seed: int
    epochs: int = 0
    stopped: bool = False
    history: dict[str, list[float]] = field(default_factory=dict)
    stopping: dict[str, float | None] = field(default_factory=dict)
    best_weights: list[npt.NDArray[Any]] | None = None


class CheckpointFile:
    """The checkpoint in a directory. One training at a time may use it."""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        self.path = self._directory / _FILE
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FailedPreconditionError(
                f"checkpoint_dir: '{directory}' can't be made: {error}"
            ) from error

    def save(self, model: Any, state: TrainingState) -> None:
        """Publishes model, optimizer and state in one step.

        Raises:
            OverloadedError: The disk is full.
            FailedPreconditionError: The directory can't be written to.
        """
        tensors, dtypes = _stored(_variables(model) | _best(state))
        document = {
            "format": _FORMAT,
            "dtypes": dtypes,
            "seed": state.seed,
            "epochs": state.epochs,
            "stopped": state.stopped,
            "history": state.history,
            "stopping": state.stopping,
        }
        content = save(tensors, metadata={_STATE: json.dumps(document)})
        pending = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with open(pending, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(pending, self.path)
            _sync(self._directory)
        except OSError as error:
            pending.unlink(missing_ok=True)
            kind = OverloadedError if error.errno == 28 else FailedPreconditionError
            raise kind(f"checkpoint '{self.path}' can't be written: {error}") from error

    def restore(self, model: Any) -> TrainingState | None:
        """Gives a built, compiled model the checkpoint's values; None if there is no checkpoint.

        Raises:
            FailedPreconditionError: It can't be read, or is of another model.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, "numpy") as file:
                document = json.loads((file.metadata() or {})[_STATE])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if document.pop("format") != _FORMAT:
                raise ValueError("unknown format")
            tensors = _restored(tensors, document.pop("dtypes"))
            state = TrainingState(**document)
        except (SafetensorError, KeyError, OSError, TypeError, ValueError) as error:
            raise FailedPreconditionError(
                f"checkpoint '{self.path}' can't be read ({error}): delete it to train from the "
                "start"
            ) from error
        self._assign(model, tensors)
        best = [name for name in sorted(tensors) if name.startswith("best/")]
        state.best_weights = [tensors[name] for name in best] or None
        return state

    def remove(self) -> None:
        """Forgets a training that is complete."""
        self.path.unlink(missing_ok=True)
        for pending in self._directory.glob(f"{self.path.stem}.*.tmp"):
            pending.unlink(missing_ok=True)

    def _assign(self, model: Any, tensors: Arrays) -> None:
        wanted = _variables(model)
        stored = {name for name in tensors if not name.startswith("best/")}
        variables = _variable_list(model)
        differs = [
            f"'{variable.path}' is {list(value.shape)}, was {list(tensors[name].shape)}"
            for variable, (name, value) in zip(variables, wanted.items(), strict=True)
            if name in stored and tensors[name].shape != value.shape
        ]
        if len(stored) != len(wanted):
            differs = [f"it has {len(wanted)} variables, had {len(stored)}"]
        if differs:
            raise FailedPreconditionError(
                f"checkpoint '{self.path}' is of another model or optimizer ({differs[0]}): delete "
                "it to train from the start, or choose another checkpoint_dir"
            )
        for variable, name in zip(variables, wanted, strict=True):
            variable.assign(tensors[name])


class SaveEachEpoch(keras.callbacks.Callback):
    """Keeps `state` up to date, and the checkpoint file if there is one.

    It must come after the callbacks whose effect it saves, and restores early stopping's counters
    when training begins, because Keras resets them then.
    """

    def __init__(self, file: CheckpointFile | None, state: TrainingState, stopping: Any) -> None:
        super().__init__()
        self._file = file
        self._state = state
        self._stopping = stopping

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Gives early stopping back what it knew."""
        if self._stopping is None:
            return
        for name, value in self._state.stopping.items():
            setattr(self._stopping, name, value)
        self._stopping.best_weights = self._state.best_weights

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Records the epoch; one whose loss isn't a number stops training and isn't saved."""
        state = self._state
        for name, value in (logs or {}).items():
            state.history.setdefault(name, []).append(float(value))
        state.epochs = epoch + 1
        if not math.isfinite(state.history.get("loss", [0.0])[-1]):
            self.model.stop_training = True
            return
        state.stopped = bool(self.model.stop_training)
        if self._stopping is not None:
            kept = ("wait", "best", "best_epoch", "stopped_epoch")
            state.stopping = {name: _number(getattr(self._stopping, name)) for name in kept}
            state.best_weights = self._stopping.best_weights
        if self._file is not None:
            self._file.save(self.model, state)


def _number(value: Any) -> float | None:
    return None if value is None else float(value) if isinstance(value, float) else int(value)


def _variable_list(model: Any) -> list[Any]:
    optimizer = model.optimizer
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
    return [*model.variables, *([] if optimizer is None else optimizer.variables)]


def _variables(model: Any) -> Arrays:
    return {
        f"variable/{i:05d}": np.asarray(variable)
        for i, variable in enumerate(_variable_list(model))
    }


def _best(state: TrainingState) -> Arrays:
    return {f"best/{i:05d}": np.asarray(value) for i, value in enumerate(state.best_weights or ())}


def _stored(arrays: Arrays) -> tuple[Arrays, dict[str, str]]:
    """As NumPy's own dtypes; the second result names the others' (as bfloat16)."""
    tensors, dtypes = {}, {}
    for name, value in arrays.items():
        array = np.ascontiguousarray(value).reshape(value.shape)
        if array.dtype.kind == "V" or array.dtype.name == "bfloat16":
            dtypes[name] = array.dtype.name
            array = array.view(np.uint16)
        tensors[name] = array
    return tensors, dtypes


def _restored(tensors: Arrays, dtypes: dict[str, str]) -> Arrays:
    import ml_dtypes

    return {
        name: array.view(getattr(ml_dtypes, dtypes[name])) if name in dtypes else array
        for name, array in tensors.items()
    }


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
