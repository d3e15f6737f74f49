"""What may be exported: every kind of model becomes a Source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aios.errors import InvalidArgumentError, NotFoundError
from aios.exporting.reasons import first_line
from aios.exporting.sources.base import Source

_TAKEN = (
    "a keras.Model, the path of a .keras file or of a SavedModel directory, or a tf.Module with "
    "tf.function methods"
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

    if isinstance(model, keras.Model):
        return _from_keras(model)
    import tensorflow as tf

    if isinstance(model, tf.Module) and not type(model).__module__.startswith("tf_keras"):
        from aios.exporting.sources.module import ModuleSource

        return ModuleSource(model)
    raise InvalidArgumentError(f"model: expected {_TAKEN}; got {_described(model)}")


def _from_keras(model: Any) -> Source:
    import keras

    from aios.exporting.sources.foreign_keras import ForeignKerasSource
    from aios.exporting.sources.keras_model import KerasSource

    on_tensorflow = keras.backend.backend() == "tensorflow"
    return KerasSource(model) if on_tensorflow else ForeignKerasSource(model)


def _from_path(path: Path) -> Source:
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            from aios.exporting.sources.saved_model import SavedModelSource

            return SavedModelSource(path)
        hint = "a bundle already" if (path / "manifest.json").is_file() else "no SavedModel"
        raise InvalidArgumentError(
            f"model: expected {_TAKEN}; the directory '{path}' is {hint} (it has no saved_model.pb)"
        )
    if not path.exists():
        raise NotFoundError(f"model: no file or directory at '{path}'; expected {_TAKEN}")
    if path.suffix not in (".keras", ".h5", ".hdf5"):
        raise InvalidArgumentError(f"model: expected {_TAKEN}; got the file '{path}'")
    import keras

    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:
        raise InvalidArgumentError(
            f"model: Keras can't load '{path}': {first_line(error)}; layers of your own must be "
            "registered first (keras.saving.register_keras_serializable)"
        ) from error
    return _from_keras(model)


def _described(model: Any) -> str:
    kind = type(model)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    if kind.__module__.startswith("tf_keras"):
        return f"{name}: save it with model.export(path), and export that path"
    return name


__all__ = ["Source", "open_source"]
