"""`TensorFlowTrainingCell`: builds or takes a Keras model, trains it, exports it."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from aios.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from aios.training import checkpoint, objective, progress
from aios.training.config import TrainingConfig
from aios.training.report import TrainingReport

if TYPE_CHECKING:
    from aios.exporting import ExportReport

_GOLDEN_SAMPLES = 64


class TensorFlowTrainingCell:
    """Makes one model: create or bring it, train it, export it. For one thread at a time."""

    def __init__(self, config: TrainingConfig | None = None) -> None:
        self.config = config or TrainingConfig()
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
        input_shape: Sequence[int],
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
            hidden_units: Width of each hidden layer.

        Returns:
            The Keras model, with the input named "x" and float32[batch, *input_shape].

        Raises:
            InvalidArgumentError: An argument is out of range.
        """
        units = self._output_units(task, num_classes, num_outputs)
        if not all(isinstance(size, int) and size > 0 for size in (*input_shape, *hidden_units)):
            raise InvalidArgumentError(
                f"input_shape and hidden_units: expected sizes of 1 or more, as (10,) and "
                f"(64, 32), got {tuple(input_shape)} and {tuple(hidden_units)}"
            )
        self._seed()
        layers: list[Any] = [keras.Input(tuple(input_shape), name="x")]
        if len(input_shape) != 1:
            layers.append(keras.layers.Flatten())
        layers.append(keras.layers.BatchNormalization())
        layers += [keras.layers.Dense(width, activation="relu") for width in hidden_units]
        activation = "softmax" if task == "classification" else "linear"
        layers.append(keras.layers.Dense(units, activation=activation))
        self._model = keras.Sequential(layers)
        return self._model

    def use_model(self, model: Any) -> Any:
        """Takes any Keras model, compiled or not; a compiled one keeps its loss and optimizer.

        Raises:
            InvalidArgumentError: Not a Keras model.
        """
        if not isinstance(model, keras.Model):
            raise InvalidArgumentError(f"model: expected a keras.Model, got {type(model).__name__}")
        self._model = model
        return model

    def train(
        self,
        x_train: Any,
        y_train: Any,
        x_val: Any = None,
        y_val: Any = None,
    ) -> TrainingReport:
        """Trains the model as the config says.

        Args:
            x_train: Inputs; axis 0 counts samples.
            y_train: Targets: class numbers, one-hot rows, or floats for regression.
            x_val: Inputs held out for validation, early stopping and the report's metrics.
            y_val: Their targets.

        Raises:
            FailedPreconditionError: No model yet.
            InvalidArgumentError: Data that doesn't fit together or the model.
        """
        model = self.model
        x_train, y_train = _paired("x_train", x_train, "y_train", y_train)
        validation = None
        if x_val is not None or y_val is not None:
            validation = _paired("x_val", x_val, "y_val", y_val)
        self._seed()
        self._compile(y_train)
        callbacks, stopping = self._callbacks(validation is not None)
        resumed_from = checkpoint.completed_epochs(self.config.checkpoint_dir)
        started = time.perf_counter()
        try:
            fitted = model.fit(
                x_train,
                y_train,
                validation_data=validation,
                epochs=self.config.epochs,
                batch_size=self.config.batch_size,
                callbacks=callbacks,
                verbose=0,
            )
        except ValueError as error:
            raise InvalidArgumentError(f"the data doesn't fit the model: {error}") from error
        history = {name: [float(v) for v in values] for name, values in fitted.history.items()}
        self._samples = (validation or (x_train,))[0][:_GOLDEN_SAMPLES]
        return TrainingReport(
            history=history,
            metrics=self._evaluate((x_train, y_train), validation),
            epochs=len(fitted.epoch),
            seconds=time.perf_counter() - started,
            resumed_from=resumed_from,
            stopped_early=stopping is not None and stopping.stopped_epoch > 0,
        )

    def export_for_cpp_inference(self, path: str | Path, **options: Any) -> ExportReport:
        """Exports the model as a bundle; see `aios.export` for the options and errors.

        The golden samples come from the validation data (else the training data) of the last
        `train`, unless `samples` is given.
        """
        from aios.exporting import export

        options.setdefault("samples", self._samples)
        return export(self.model, path, **options)

    @staticmethod
    def _output_units(task: str, num_classes: int | None, num_outputs: int) -> int:
        if task == "regression":
            if num_outputs < 1:
                raise InvalidArgumentError(f"num_outputs: expected 1 or more, got {num_outputs}")
            return num_outputs
        if task != "classification":
            raise InvalidArgumentError(
                f"task: expected 'classification' or 'regression', got {task!r}"
            )
        if num_classes is None or num_classes < 2:
            raise InvalidArgumentError(f"num_classes: expected 2 or more, got {num_classes}")
        return num_classes

    def _seed(self) -> None:
        if self.config.seed is not None:
            keras.utils.set_random_seed(self.config.seed)

    def _compile(self, y: Any) -> None:
        if self.model.compiled:
            return
        if not self.model.built:
            raise InvalidArgumentError(
                "the model isn't built: give it an Input layer, or compile it with a loss"
            )
        chosen = objective.infer(self.model, y)
        try:
            optimizer = keras.optimizers.get(self.config.optimizer)
        except ValueError as error:
            raise InvalidArgumentError(
                f"optimizer: expected a Keras optimizer's name, as 'adam', got "
                f"{self.config.optimizer!r}"
            ) from error
        optimizer.learning_rate = self.config.learning_rate
        self.model.compile(optimizer=optimizer, loss=chosen.loss, metrics=list(chosen.metrics))

    def _callbacks(self, validated: bool) -> tuple[list[Any], Any]:
        config = self.config
        callbacks: list[Any] = []
        stopping = None
        if config.early_stopping_patience is not None:
            stopping = keras.callbacks.EarlyStopping(
                monitor="val_loss" if validated else "loss",
                patience=config.early_stopping_patience,
                restore_best_weights=True,
            )
            callbacks.append(stopping)
        if config.checkpoint_dir is not None:
            callbacks.append(checkpoint.backup(config.checkpoint_dir))
        if config.tensorboard_dir is not None:
            _require_tensorboard()
            callbacks.append(keras.callbacks.TensorBoard(str(config.tensorboard_dir)))
        if progress.wanted():
            callbacks.append(progress.ProgressBar(config.epochs))
        return callbacks, stopping

    def _evaluate(self, training: Any, validation: Any) -> dict[str, float]:
        metrics: dict[str, float] = {}
        for prefix, data in (("", training), ("val_", validation)):
            if data is None:
                continue
            values = self.model.evaluate(*data, verbose=0, return_dict=True)
            metrics |= {prefix + name: float(value) for name, value in values.items()}
        return metrics


def _require_tensorboard() -> None:
    if importlib.util.find_spec("tensorboard") is None:
        raise NotFoundError(
            "tensorboard_dir needs TensorBoard: pip install aios-cells[tensorboard]"
        )


def _paired(x_name: str, x: Any, y_name: str, y: Any) -> tuple[Any, Any]:
    if x is None or y is None:
        missing = x_name if x is None else y_name
        raise InvalidArgumentError(f"{missing}: expected an array, got None")
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y) or len(x) == 0:
        raise InvalidArgumentError(
            f"{x_name} and {y_name}: expected the same number of samples, 1 or more, got "
            f"{list(x.shape)} and {list(y.shape)}"
        )
    if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
        raise InvalidArgumentError(f"{x_name}: expected finite numbers, got NaN or infinity")
    return x, y
