"""Models in files of Keras: .keras, .h5; of Keras 3, or of Keras 2 as far as that can be read."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aios.errors import InvalidArgumentError
from aios.exporting.reasons import reason_of
from aios.exporting.sources.keras2_model import installed_keras2

SUFFIXES = (".keras", ".h5", ".hdf5")
_CONFIG = "config.json"
#: Arguments that Keras 3 no longer takes, with the values that say nothing.
_GONE = {"groups": 1, "time_major": False, "implementation": None}
_UNKNOWN = re.compile(
    r"Could not locate (?:class|function) '([^']+)'|Unknown \w+: '([^']+)'"
    r"|Cannot deserialize object of type `([^`]+)`"
)


@dataclass(frozen=True, slots=True)
class KerasFile:
    """What a file says of itself: Keras' version, kinds of layers, or what is wrong with it."""

    path: Path
    version: str
    layers: frozenset[str]
    fault: str | None = None

    @property
    def is_keras2(self) -> bool:
        """Whether Keras 2 wrote it; tf_keras goes on with that version's numbers."""
        return self.version.startswith("2.")


def load_keras_file(path: Path) -> Any:
    """Loads a model of Keras 3, or of tf_keras where only that can read the file.

    Raises:
        InvalidArgumentError: Neither can; the message says why and what to do.
    """
    import keras

    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:
        found = _inspected(path)
        if found.is_keras2 and "Lambda" not in found.layers:
            return _load_keras2(found)
        raise InvalidArgumentError(_refusal(found, error)) from error


def _load_keras2(found: KerasFile) -> Any:
    """Without the arguments that are gone, else as Keras 2 itself did."""
    import keras

    try:
        with _without_gone_arguments(found.path) as copy:
            return keras.models.load_model(copy, compile=False)
    except Exception as error:
        keras2 = installed_keras2()
        if keras2 is None:
            raise InvalidArgumentError(_refusal(found, error)) from error
    try:
        return keras2.models.load_model(found.path, compile=False)
    except Exception as error:
        raise InvalidArgumentError(
            f"model: Keras {found.version} wrote '{found.path}', and tf_keras "
            f"{keras2.__version__} can't load it either: {_what_to_do(error)}"
        ) from error


def _refusal(found: KerasFile, error: Exception) -> str:
    import keras

    text = f"model: Keras {keras.__version__} can't load '{found.path}'"
    if found.fault is not None:
        return f"{text}: {found.fault}"
    if "Lambda" in found.layers and re.search(r"\bLambda\b", str(error)):
        package = "tf_keras" if found.is_keras2 else "keras"
        return (
            f"{text}: it has a Lambda layer, which runs Python code that is stored in the file; "
            f"if you trust the file, load it yourself, with {package}.models.load_model(path, "
            "safe_mode=False), and export the model; or put a registered layer in its place"
        )
    if found.is_keras2:
        return (
            f"{text}, which Keras {found.version} wrote; install tf_keras (pip install --no-deps "
            f"'tf_keras=={_tensorflow_version()}.*'), which reads files of Keras 2, or save the "
            f"model there as a SavedModel and export that directory: {_what_to_do(error)}"
        )
    return f"{text}: {_what_to_do(error)}"


def _what_to_do(error: Exception) -> str:
    found = _UNKNOWN.search(str(error))
    if found is None:
        return f"{reason_of(error)}; load the model yourself, and export the object"
    name = next(group for group in found.groups() if group)
    return (
        f"it doesn't know '{name}'; register that first "
        "(@keras.saving.register_keras_serializable), or load the model yourself, with "
        "custom_objects=…, and export the object"
    )


def _tensorflow_version() -> str:
    import tensorflow as tf

    return ".".join(tf.__version__.split(".")[:2])


def _inspected(path: Path) -> KerasFile:
    try:
        version, config = (_read_archive if path.suffix == ".keras" else _read_hdf5)(path)
    except KeyError:
        fault = (
            "it holds weights without a model; build the model, load them into it, and export it"
        )
        return KerasFile(path, "", frozenset(), fault)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        kind = "a zip archive" if path.suffix == ".keras" else "an HDF5 file"
        fault = f"it is damaged, or not {kind} at all ({reason_of(error)}); save the model again"
        return KerasFile(path, "", frozenset(), fault)
    return KerasFile(path, version, frozenset(_class_names(config)))


def _read_archive(path: Path) -> tuple[str, Any]:
    with zipfile.ZipFile(path) as archive:
        version = json.loads(archive.read("metadata.json")).get("keras_version", "")
        return str(version), json.loads(archive.read(_CONFIG))


def _read_hdf5(path: Path) -> tuple[str, Any]:
    import h5py

    with h5py.File(path) as file:
        return str(file.attrs.get("keras_version", "")), json.loads(file.attrs["model_config"])


def _class_names(config: Any) -> Iterator[str]:
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config["class_name"]
        for value in config.values():
            yield from _class_names(value)
    elif isinstance(config, list):
        for value in config:
            yield from _class_names(value)


@contextmanager
def _without_gone_arguments(path: Path) -> Iterator[Path]:
    """A copy of the file whose layers are described as Keras 3 describes them."""
    with tempfile.TemporaryDirectory(prefix="keras2-") as folder:
        copy = Path(folder, path.name)
        rewrite = _rewrite_archive if zipfile.is_zipfile(path) else _rewrite_hdf5
        rewrite(path, copy, _cleaned)
        yield copy


def _rewrite_archive(path: Path, copy: Path, change: Callable[[Any], Any]) -> None:
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
        for item in source.infolist():
            content = source.read(item)
            if item.filename == _CONFIG:
                content = json.dumps(change(json.loads(content))).encode()
            target.writestr(item, content)


def _rewrite_hdf5(path: Path, copy: Path, change: Callable[[Any], Any]) -> None:
    import h5py

    shutil.copyfile(path, copy)
    with h5py.File(copy, "r+") as file:
        config = change(json.loads(file.attrs["model_config"]))
        file.attrs["model_config"] = json.dumps(config)


def _cleaned(config: Any) -> Any:
    if isinstance(config, dict):
        return {
            key: _cleaned(value)
            for key, value in config.items()
            if key not in _GONE or (_GONE[key] is not None and value != _GONE[key])
        }
    return [_cleaned(value) for value in config] if isinstance(config, list) else config
