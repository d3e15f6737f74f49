"""One training: compile, go on from the checkpoint, fit, evaluate, report."""

from __future__ import annotations

import math
import random
import time
import warnings
from collections.abc import Sequence
from typing import Any

import keras

from aios.errors import AiosError, InvalidArgumentError
from aios.training import objective, progress
from aios.training.arrays import ArrayFeed, array_feed
from aios.training.checkpoint import CheckpointFile, SaveEachEpoch, TrainingState
from aios.training.config import TrainingConfig
from aios.training.report import TrainingReport
from aios.training.streams import StreamFeed, is_stream

Feed = ArrayFeed | StreamFeed


def feed_of(
    names: tuple[str, str],
    x: Any,
    y: Any,
    model: Any,
    *,
    weight: Any = None,
    class_weight: Any = None,
    steps: int | None = None,
) -> Feed:
    """Checks what a caller passes as training or validation data.

    Args:
        names: How the caller calls `x` and `y`.
        x: Inputs, or a stream of batches.
        y: Targets; None for a stream.
        model: The Keras model that they are for.
        weight: One weight per sample.
        class_weight: Weights by class number, or "balanced".
        steps: Batches per epoch, of a stream.

    Raises:
        InvalidArgumentError: It doesn't fit together or the model.
    """
    if not is_stream(x):
        feed = array_feed(names, x, y, model, weight=weight, class_weight=class_weight)
        if steps is not None:
            raise InvalidArgumentError(
                f"{'steps_per_epoch' if names[0] == 'x_train' else 'validation_steps'}: expected "
                f"None for arrays, all {feed.count} samples of which are read, got {steps}"
            )
        return feed
    for name, value in ((names[1], y), ("sample weights", weight), ("class_weight", class_weight)):
        if value is not None:
            raise InvalidArgumentError(
                f"{name}: expected None, because {names[0]} yields batches of (inputs, targets) or "
                f"(inputs, targets, weights); got {type(value).__name__}"
            )
    return StreamFeed(names[0], x, steps)


class Fit:
    """A model, its data and a config, brought together once."""

    def __init__(
        self, config: TrainingConfig, model: Any, feed: Feed, validation: Feed | None
    ) -> None:
        self._config = config
        self._model = model
        self._feed = feed
        self._validation = validation
        self._compiled_here = False

    def _compile(self, task: str | None) -> None:
        """Gives an uncompiled model the config's optimizer, and the loss that fits the targets."""
        model = self._model
        if model.compiled:
            return
        if not model.built or not getattr(model, "outputs", None):
            raise InvalidArgumentError(
                "the model doesn't say what its outputs are: give it an Input layer, or compile it "
                "with a loss first"
            )
        chosen = objective.infer(model, self._feed.targets(), task=task)
        try:
            optimizer = keras.optimizers.get(self._config.optimizer)
        except ValueError as error:
            raise InvalidArgumentError(
                f"optimizer: expected a Keras optimizer's name, as 'adam', got "
                f"{self._config.optimizer!r}"
            ) from error
        optimizer.learning_rate = self._config.learning_rate
        model.compile(optimizer=optimizer, loss=chosen.loss, metrics=chosen.metrics)
        self._compiled_here = True

    def run(
        self, task: str | None, callbacks: Sequence[Any], started: float, verbose: progress.Verbose
    ) -> TrainingReport:
        """Compiles the model for the task, and trains what is left to train.

        Args:
            task: "classification" or "regression"; None to infer it from the targets.
            callbacks: Keras callbacks of the caller.
            started: When the caller's call began, in seconds of `time.perf_counter`.
            verbose: What is told on stderr.
        """
        self._compile(task)
        config, model = self._config, self._model
        file = None if config.checkpoint_dir is None else CheckpointFile(config.checkpoint_dir)
        if not model.built or not all(layer.built for layer in model.layers):
            first = self._feed.inputs(1)
            if first is not None:
                model(first, training=False)
        state = file.restore(model) if file is not None else None
        resumed_from = state.epochs if state else None
        state = state or TrainingState(
            seed=random.getrandbits(62) if config.seed is None else config.seed
        )
        begin = state.epochs
        stopping = self._early_stopping()
        if begin < config.epochs and not state.stopped:
            keeper = SaveEachEpoch(file, state, stopping)
            shown = progress.reporter(verbose, config.epochs)
            try:
                self._fit(
                    range(begin, config.epochs), state.seed, stopping, [*callbacks, keeper, *shown]
                )
            except Exception:
                # A loss that was chosen by data which don't fit mustn't be kept for other data.
                if self._compiled_here and state.epochs == begin:
                    model.compiled = False
                raise
            finally:
                progress.close(shown)
            _require_converging(state.history, config)
        elif state.best_weights is not None:
            model.set_weights(state.best_weights)
        report = TrainingReport(
            history=state.history,
            metrics=self._metrics(state),
            epochs=state.epochs - begin,
            seconds=time.perf_counter() - started,
            resumed_from=resumed_from,
            stopped_early=state.stopping.get("stopped_epoch", 0) not in (0, None),
            best_epoch=_best_epoch(state),
        )
        if file is not None and not config.keep_checkpoint:
            file.remove()
        return report

    def _fit(self, epochs: range, seed: int, stopping: Any, callbacks: list[Any]) -> None:
        feed, validation = self._feed, self._validation
        source: Any
        steps: int | None
        if isinstance(feed, ArrayFeed):
            source, steps = feed.shuffled(self._config.batch_size, seed, epochs)
        else:
            source, steps = feed.for_fit(len(epochs)), feed.batches_per_epoch
        try:
            with warnings.catch_warnings():
                # Where an epoch's end is the source's end, Keras takes that for a shortage.
                warnings.filterwarnings("ignore", "Your input ran out of data")
                self._model.fit(
                    source,
                    validation_data=None if validation is None else validation.as_keras(),
                    validation_steps=None if validation is None else validation.batches_per_epoch,
                    validation_batch_size=self._validation_batch(),
                    steps_per_epoch=steps,
                    shuffle=isinstance(source, keras.utils.PyDataset),
                    initial_epoch=epochs.start,
                    epochs=epochs.stop,
                    callbacks=self._callbacks(stopping, callbacks),
                    verbose=0,
                )
        except AiosError:
            raise
        except Exception as error:
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> Exception:
        """What Keras and TensorFlow raise for data that doesn't fit, as our own error."""
        for feed in (self._feed, self._validation):
            if isinstance(feed, StreamFeed) and feed.failure is not None:
                return feed.failure
        import tensorflow as tf

        if not isinstance(error, (ValueError, tf.errors.InvalidArgumentError)):
            return error
        lines = [line for line in str(error).strip().splitlines() if line.strip()]
        return InvalidArgumentError(
            f"the data doesn't fit the model: {' '.join(lines[:3]) or repr(error)}"
        )

    def _validation_batch(self) -> int | None:
        return self._config.batch_size if isinstance(self._validation, ArrayFeed) else None

    def _early_stopping(self) -> Any:
        if self._config.early_stopping_patience is None:
            return None
        return keras.callbacks.EarlyStopping(
            monitor="loss" if self._validation is None else "val_loss",
            patience=self._config.early_stopping_patience,
            restore_best_weights=True,
            mode="min",
        )

    def _callbacks(self, stopping: Any, callbacks: list[Any]) -> list[Any]:
        """Early stopping first, then the caller's, so that the checkpoint saves their effect."""
        config = self._config
        made = [] if stopping is None else [stopping]
        made += callbacks
        if config.tensorboard_dir is not None:
            made.append(keras.callbacks.TensorBoard(str(config.tensorboard_dir)))
        return made

    def _metrics(self, state: TrainingState) -> dict[str, float]:
        metrics: dict[str, float] = {}
        for prefix, feed in (("", self._feed), ("val_", self._validation)):
            if feed is None:
                continue
            values = self._evaluated(feed) if prefix or isinstance(feed, ArrayFeed) else None
            if values is None:
                values = _of_best_epoch(state, prefix)
            metrics |= {prefix + name: float(value) for name, value in values.items()}
        return metrics

    def _evaluated(self, feed: Feed) -> dict[str, float] | None:
        """The model's metrics on a feed; None if it can't be read a second time."""
        steps = feed.batches_per_epoch
        if isinstance(feed, ArrayFeed):
            source, steps = feed.shuffled(self._config.batch_size, 0, range(1), keep_order=True)
        elif not feed.can_be_read_again:
            return None
        else:
            source = feed.as_keras()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Your input ran out of data")
            values: dict[str, float] = self._model.evaluate(
                source, steps=steps, verbose=0, return_dict=True
            )
        return values


def _best_epoch(state: TrainingState) -> int | None:
    """Counted from 1: the one whose weights came back, else the last."""
    best = state.stopping.get("best_epoch")
    if best is not None and state.best_weights is not None:
        return int(best) + 1
    return state.epochs or None


def _of_best_epoch(state: TrainingState, prefix: str) -> dict[str, float]:
    epoch = (_best_epoch(state) or 1) - 1
    return {
        name.removeprefix(prefix): values[epoch]
        for name, values in state.history.items()
        if name.startswith("val_") == bool(prefix) and epoch < len(values)
    }


def _require_converging(history: dict[str, list[float]], config: TrainingConfig) -> None:
    losses = history.get("loss", [])
    if losses and not math.isfinite(losses[-1]):
        raise InvalidArgumentError(
            f"training diverged: the loss is {losses[-1]} after epoch {len(losses)}; lower "
            f"learning_rate (now {config.learning_rate:g}) or look for NaN and huge values in the "
            "data"
        )
