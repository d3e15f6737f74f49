"""What may be exported: every kind of model becomes a Source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aios.errors import InvalidArgumentError, NotFoundError
from aios.exporting.sources.base import Source
from aios.exporting.sources.foreign_keras import ForeignKerasSource
from aios.exporting.sources.keras2_model import Keras2Source, is_keras2_model
from aios.exporting.sources.keras_file import SUFFIXES, load_keras_file
from aios.exporting.sources.keras_model import KerasSource
from aios.exporting.sources.module import ModuleSource
from aios.exporting.sources.saved_model import SavedModelSource

_TAKEN = (
    "a keras.Model, the path of a .keras or .h5 file or of a SavedModel directory, or a tf.Module "
    "with tf.function methods"
)


def open_source(model: Any) -> Source:
    """Finds out what a model is; nothing is written yet.

    Raises:
        InvalidArgumentError: Not a kind of model that is taken, or a file that can't be loaded.
        NotFoundError: No file at that path.
    """
    if isinstance(model, (str, os.PathLike)):
        return _from_path(Path(os.fspath(model)))
    import keras

    if isinstance(model, keras.Model) or is_keras2_model(model):
        return _from_model(model)
    import tensorflow as tf

    if isinstance(model, tf.Module):
        return ModuleSource(model)
    if hasattr(model, "get_concrete_function"):
        holder = tf.Module()
        holder.function = model
        return ModuleSource(holder)
    raise InvalidArgumentError(f"model: expected {_TAKEN}; got {_described(model)}")


def _from_model(model: Any) -> Source:
    if is_keras2_model(model):
        return Keras2Source(model)
    import keras

    on_tensorflow = keras.backend.backend() == "tensorflow"
    return KerasSource(model) if on_tensorflow else ForeignKerasSource(model)


def _from_path(path: Path) -> Source:
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return SavedModelSource(path)
        hint = "a bundle already" if (path / "manifest.json").is_file() else "no SavedModel"
        raise InvalidArgumentError(
            f"model: expected {_TAKEN}; the directory '{path}' is {hint} (it has no saved_model.pb)"
        )
    if not path.exists():
        raise NotFoundError(f"model: no file or directory at '{path}'; expected {_TAKEN}")
    if path.suffix not in SUFFIXES:
        raise InvalidArgumentError(f"model: expected {_TAKEN}; got the file '{path}'")
    return _from_model(load_keras_file(path))


def _described(model: Any) -> str:
    import keras

    kind = type(model)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    if isinstance(model, keras.Layer):
        return f"{name}: put the layer into a keras.Sequential, behind a keras.Input"
    if hasattr(model, "signatures"):
        return f"{name}: pass the directory that this SavedModel was loaded from"
    return name


__all__ = ["Source", "open_source"]
