"""`TensorFlowTrainingCell`: builds or takes a Keras model, trains it, exports it."""

from __future__ import annotations

import importlib.util
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from aios.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnsupportedError,
)
from aios.training import precision
from aios.training.config import TrainingConfig
from aios.training.fit import Feed, Fit, feed_of
from aios.training.progress import Verbose, require_verbose
from aios.training.report import TrainingReport

if TYPE_CHECKING:
    from aios.exporting import ExportReport

_GOLDEN_SAMPLES = 64


class TensorFlowTrainingCell:
    """Makes one model: create or bring it, train it, export it. For one thread at a time.

    Args:
        config: Settings of the training; None for the defaults.
        custom_objects: Classes and functions of yours by the name under which Keras is to find
            them: layers of a `.keras` file, an optimizer that the config names, losses, metrics.

    Raises:
        UnsupportedError: Keras runs on another backend than TensorFlow.
    """

    def __init__(
        self,
        config: TrainingConfig | None = None,
        *,
        custom_objects: Mapping[str, Any] | None = None,
    ) -> None:
        if config is not None and not isinstance(config, TrainingConfig):
            raise InvalidArgumentError(
                "config: expected an aios.TrainingConfig, as aios.TrainingConfig(epochs=20), got "
                f"{type(config).__name__}"
            )
        backend = keras.backend.backend()
        if backend != "tensorflow":
            raise UnsupportedError(
                f"Keras runs on '{backend}' here, and this cell trains on TensorFlow: set "
                "KERAS_BACKEND=tensorflow before keras is imported"
            )
        self.config = config or TrainingConfig()
        self._custom_objects = dict(custom_objects or {})
        self._task: str | None = None
        self._model: Any = None
        self._samples: Any = None

    @property
    def model(self) -> Any:
        """The Keras model.

        Raises:
            FailedPreconditionError: There is none yet.
        """
        if self._model is None:
            raise FailedPreconditionError("no model yet: call create_model() or use_model() first")
        return self._model

    def create_model(
        self,
        input_shape: Sequence[int] | int,
        num_classes: int | None = None,
        *,
        task: str = "classification",
        num_outputs: int = 1,
        hidden_units: Sequence[int] = (64, 32),
    ) -> Any:
        """Builds a dense net: flatten, normalise, hidden ReLU layers, softmax or linear output.

        Args:
            input_shape: One sample's shape, without the batch.
            num_classes: Classes to tell apart, 2 or more; for task="classification".
            task: "classification" or "regression".
            num_outputs: Values to predict; for task="regression".
            hidden_units: Width of each hidden layer; () for none.

        Returns:
            The Keras model, with the input named "x" and float32[batch, *input_shape].

        Raises:
            InvalidArgumentError: An argument is out of range.
        """
        units = _output_units(task, num_classes, num_outputs)
        shape = _sizes("input_shape", input_shape, (10,))
        widths = _sizes("hidden_units", hidden_units, (64, 32))
        self._seed()
        layers: list[Any] = [keras.Input(shape, name="x")]
        if len(shape) != 1:
            layers.append(keras.layers.Flatten())
        layers.append(keras.layers.BatchNormalization())
        layers += [keras.layers.Dense(width, activation="relu") for width in widths]
        activation = "softmax" if task == "classification" else "linear"
        layers.append(keras.layers.Dense(units, activation=activation))
        return self._take(keras.Sequential(layers), task)

    def use_model(self, model: Any, *, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Takes any Keras model, compiled or not; a compiled one keeps its loss and optimizer.

        Args:
            model: A keras.Model, or the path of a `.keras` file.
            custom_objects: As the cell's own, for this model.

        Raises:
            InvalidArgumentError: Not a Keras model, or a file that Keras can't read.
            NotFoundError: No such file.
        """
        self._custom_objects |= custom_objects or {}
        if isinstance(model, (str, Path)) and Path(model).suffix in (".keras", ".h5"):
            model = self._read(Path(model))
        if not isinstance(model, keras.Model):
            raise InvalidArgumentError(
                f"model: expected a keras.Model or the path of a .keras file, got "
                f"{model if isinstance(model, (str, Path)) else type(model).__name__!r}"
            )
        return self._take(model, None)

    def train(
        self,
        x_train: Any,
        y_train: Any = None,
        x_val: Any = None,
        y_val: Any = None,
        *,
        sample_weight: Any = None,
        val_sample_weight: Any = None,
        class_weight: Mapping[int, float] | str | None = None,
        callbacks: Sequence[Any] = (),
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        verbose: Verbose = "auto",
    ) -> TrainingReport:
        """Trains the model as the config says.

        Args:
            x_train: Inputs; axis 0 counts samples. For several inputs a list in the model's order
                or a dict by name. Or a tf.data.Dataset, a keras.utils.PyDataset, a Torch
                DataLoader, a generator, or a function that returns one (called anew for each
                epoch), which yields batches of (inputs, targets) or (inputs, targets, weights).
            y_train: Targets: class numbers, one-hot rows, or floats for regression; None if
                `x_train` yields them.
            x_val: Inputs held out for validation, early stopping and the report's metrics, in any
                form that `x_train` takes.
            y_val: Their targets.
            sample_weight: One weight per training sample, 0 or more.
            val_sample_weight: One weight per validation sample.
            class_weight: Weights by class number, as {0: 1.0, 1: 5.0}, or "balanced" to give every
                class the same total.
            callbacks: Keras callbacks of yours, called beside those that the config asks for.
            steps_per_epoch: Batches per epoch; needed where `x_train` has no end.
            validation_steps: Batches per validation; needed where `x_val` has no end.
            verbose: What is told on stderr: "auto" is a bar in a terminal and lines elsewhere, as
                in a script's log; 0 or False nothing, 1 or True the bar, 2 a line per epoch.

        Raises:
            FailedPreconditionError: No model yet; or the checkpoint is of another model.
            InvalidArgumentError: Data that doesn't fit together or the model; or a loss that
                became NaN.
            NotFoundError: TensorBoard isn't installed; names the extra.
        """
        started = time.perf_counter()
        model = self.model
        _require_callbacks(callbacks)
        require_verbose(verbose)
        _require_steps(steps_per_epoch=steps_per_epoch, validation_steps=validation_steps)
        _require_tensorboard(self.config)
        feed = feed_of(
            ("x_train", "y_train"), x_train, y_train, model, weight=sample_weight,
            class_weight=class_weight, steps=steps_per_epoch,
        )  # fmt: skip
        validation = _validation(x_val, y_val, model, val_sample_weight, validation_steps)
        self._seed()
        with keras.saving.custom_object_scope(self._custom_objects):
            fit = Fit(self.config, model, feed, validation)
            report = fit.run(self._task, callbacks, started, verbose)
        self._samples = (validation or feed).inputs(_GOLDEN_SAMPLES)
        return report

    def export_for_cpp_inference(self, path: str | Path, **options: Any) -> ExportReport:
        """Exports the model as a bundle; see `aios.export` for the options and errors.

        The golden samples come from the validation data (else the training data) of the last
        `train`, unless `samples` is given. A model of mixed precision is exported in float32.
        """
        from aios.exporting import export

        options.setdefault("samples", self._samples)
        with (
            keras.saving.custom_object_scope(self._custom_objects),
            precision.as_float32(self.model),
        ):
            return export(self.model, path, **options)

    def _take(self, model: Any, task: str | None) -> Any:
        policy = self.config.precision_policy
        if policy is not None:
            if model.compiled:
                raise InvalidArgumentError(
                    "mixed_precision: expected a model that isn't compiled yet, because its "
                    "optimizer depends on it; set keras.mixed_precision.set_global_policy() before "
                    "you build yours, or leave compiling to the cell"
                )
            precision.apply(model, policy)
        self._model, self._task, self._samples = model, task, None
        return model

    def _read(self, path: Path) -> Any:
        if not path.is_file():
            raise NotFoundError(f"model: no file at '{path}'")
        try:
            with keras.saving.custom_object_scope(self._custom_objects):
                return keras.saving.load_model(path)
        except (ValueError, TypeError, OSError, KeyError) as error:
            lines = str(error).strip().splitlines() or [repr(error)]
            raise InvalidArgumentError(
                f"model: Keras can't read '{path}': {lines[0]}; name classes of yours with "
                "custom_objects={'Name': Class}"
            ) from error

    def _seed(self) -> None:
        seed = self.config.seed
        keras.utils.set_random_seed(random.getrandbits(32) if seed is None else seed)


def _validation(x: Any, y: Any, model: Any, weight: Any, steps: int | None) -> Feed | None:
    if x is not None or y is not None:
        return feed_of(("x_val", "y_val"), x, y, model, weight=weight, steps=steps)
    if weight is not None or steps is not None:
        raise InvalidArgumentError("x_val: expected validation data for its weights or steps")
    return None


def _output_units(task: str, num_classes: int | None, num_outputs: int) -> int:
    if task not in ("classification", "regression"):
        raise InvalidArgumentError(f"task: expected 'classification' or 'regression', got {task!r}")
    name, units, least = (
        ("num_outputs", num_outputs, 1) if task == "regression" else ("num_classes", num_classes, 2)
    )
    if not isinstance(units, int) or isinstance(units, bool) or units < least:
        raise InvalidArgumentError(f"{name}: expected {least} or more, as 3, got {units!r}")
    if task == "regression" and num_classes is not None:
        raise InvalidArgumentError(
            f"num_classes: expected None for a regression, whose num_outputs counts, got "
            f"{num_classes}"
        )
    return units


def _sizes(name: str, value: Any, example: tuple[int, ...]) -> tuple[int, ...]:
    sizes = (value,) if isinstance(value, int) else value
    good = isinstance(sizes, (list, tuple)) and all(
        isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in sizes
    )
    if not good:
        raise InvalidArgumentError(
            f"{name}: expected sizes of 1 or more, as {example}, got {value!r}"
        )
    return tuple(sizes)


def _require_callbacks(callbacks: Any) -> None:
    for callback in callbacks if isinstance(callbacks, (list, tuple)) else (callbacks,):
        if not isinstance(callback, keras.callbacks.Callback):
            raise InvalidArgumentError(
                "callbacks: expected a list of keras.callbacks.Callback objects, got "
                f"{type(callback).__name__}"
            )
    if not isinstance(callbacks, (list, tuple)):
        raise InvalidArgumentError("callbacks: expected a list, as [callback]")


def _require_steps(**given: object) -> None:
    for name, steps in given.items():
        good = isinstance(steps, int) and not isinstance(steps, bool) and steps >= 1
        if steps is not None and not good:
            raise InvalidArgumentError(
                f"{name}: expected a whole number of 1 or more, as 100, got {steps!r}"
            )


def _require_tensorboard(config: TrainingConfig) -> None:
    if config.tensorboard_dir is not None and importlib.util.find_spec("tensorboard") is None:
        raise NotFoundError(
            "tensorboard_dir needs TensorBoard: pip install aios-cells[tensorboard]"
        )
