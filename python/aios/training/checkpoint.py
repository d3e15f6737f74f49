"""Saving training after each epoch, and finding where an interrupted one stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras

_METADATA = "training_metadata.json"


def backup(directory: str | Path) -> Any:
    """Keras's own backup: weights, optimizer and epoch; deleted when training completes."""
    Path(directory).mkdir(parents=True, exist_ok=True)
    return keras.callbacks.BackupAndRestore(str(directory))


def completed_epochs(directory: str | Path | None) -> int | None:
    """Epochs that an interrupted training in `directory` had done; None if there is none."""
    if directory is None:
        return None
    try:
        metadata = json.loads((Path(directory) / _METADATA).read_text())
        return int(metadata["epoch"])
    except (FileNotFoundError, KeyError, ValueError):
        return None
