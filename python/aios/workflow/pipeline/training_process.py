"""The isolated steps of the standard pipeline.

What runs in a child process, with or without TensorFlow.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from aios.errors import InvalidArgumentError
from aios.home.bundles import bundle_sha256, directory_bytes
from aios.home.content_store import FileRef
from aios.home.messages import ModelExported, ModelTrained, ModelVerified, TrainingProgress
from aios.workflow.execution.callables import resolve
from aios.workflow.execution.context import StepContext
from aios.workflow.pipeline.quality import largest_difference, quality_metrics
from aios.workflow.pipeline.training_data import TrainingData

_SAMPLES: Final = 64
_BATCH: Final = 256
_BENCHMARK_S: Final = 5.0

Builder = Callable[[], Any] | str | None


def train(
    prepare: TrainingData, config: dict[str, Any], builder: Builder, context: StepContext
) -> dict[str, Any]:
    """Train from the last checkpoint, or from the start.

    Returns the weights and what was learnt.
    """
    from aios.training import TrainingConfig

    settings = {**config, "checkpoint_dir": None}
    cell = _cell(TrainingConfig(**settings), builder, prepare)
    checkpoints = Checkpoints(context.checkpoint_dir)
    resumed_from = checkpoints.latest_epoch()
    epochs = int(cell.config.epochs)
    report = _fit(cell, prepare, [checkpoints.callback(), _progress(context, epochs)])
    with context.work_dir() as place:
        cell.model.save_weights(str(place / "model.weights.h5"))
        weights = context.save_file(place / "model.weights.h5")
    metrics = {name: float(value) for name, value in report.metrics.items()}
    context.emit(
        ModelTrained(
            workflow=context.workflow,
            metrics=metrics,
            seconds=report.seconds,
            resumed_from=resumed_from,
        )
    )
    return {
        "weights": weights,
        "metrics": metrics,
        "history": {name: list(map(float, values)) for name, values in report.history.items()},
        "epochs": report.epochs,
        "seconds": report.seconds,
        "resumed_from": resumed_from,
    }


def evaluate(
    prepare: TrainingData,
    train: dict[str, Any],
    config: dict[str, Any],
    builder: Builder,
    context: StepContext,
) -> dict[str, Any]:
    """The training model's answers to the validation inputs, and how good they are."""
    model = _trained(prepare, train["weights"], config, builder, context)
    answers = model.predict(prepare.x_val, batch_size=_BATCH, verbose=0)
    if isinstance(answers, list | tuple | dict):
        return {"metrics": dict(train["metrics"]), "answers": None}
    return {
        "metrics": {**train["metrics"], **quality_metrics(answers, prepare.y_val)},
        "answers": answers,
    }


def export(  # noqa: PLR0917
    prepare: TrainingData,
    train: dict[str, Any],
    config: dict[str, Any],
    builder: Builder,
    options: dict[str, Any],
    context: StepContext,
) -> dict[str, Any]:
    """Write the bundle into the home, under its hash."""
    from aios.exporting import export as exported

    model = _trained(prepare, train["weights"], config, builder, context)
    with context.work_dir() as place:
        bundle = place / f"{context.workflow}.cell"
        report = exported(model, bundle, **{"samples": prepare.x_val[:_SAMPLES], **options})
        sha256 = bundle_sha256(bundle)
        kept = context.home.content.put_directory(bundle, context.home.bundle(sha256))
    size = directory_bytes(kept)
    engines = tuple(item.engine for item in report.artifacts if item.verdict == "passed")
    context.emit(
        ModelExported(workflow=context.workflow, sha256=sha256, bytes=size, engines=engines)
    )
    artifacts = [
        {
            "engine": item.engine,
            "precision": item.precision,
            "verdict": item.verdict,
            "max_error": item.max_error,
            "reason": item.reason,
        }
        for item in report.artifacts
    ]
    return {"sha256": sha256, "bytes": size, "artifacts": artifacts}


def verify(export: dict[str, Any], context: StepContext) -> dict[str, Any]:
    """Check every file and re-run all golden samples on every engine here."""
    from aios.bridge import load

    bundle = context.home.bundle(export["sha256"])
    with load(bundle, verify="full") as bridge:
        engine = bridge.engine
    errors = [item["max_error"] for item in export["artifacts"] if item["max_error"] is not None]
    context.emit(
        ModelVerified(
            workflow=context.workflow,
            sha256=export["sha256"],
            ok=True,
            max_error=max(errors, default=0.0),
        )
    )
    return {"ok": True, "engine": engine, "max_error": max(errors, default=None)}


def benchmark(
    prepare: TrainingData,
    evaluate: dict[str, Any],
    export: dict[str, Any],
    verify: dict[str, Any],
    context: StepContext,
) -> dict[str, Any]:
    """Latency of one call on this machine.

    And the C++ cell's answers against the training model's.
    """
    from aios.bridge import load

    with load(context.home.bundle(export["sha256"])) as bridge:
        x = fit_to_signature(prepare.x_val, bridge.signature)
        quick = bridge.benchmark_performance(x[:1], iterations=3)
        iterations = int(min(1000, max(20, _BENCHMARK_S * 1e6 / max(quick.p50_us, 1e-3))))
        result = bridge.benchmark_performance(x[:1], iterations=iterations)
        reference = evaluate["answers"]
        error, metrics = None, {}
        if reference is not None:
            answers = batched(bridge.perform_inference, x)
            error = largest_difference(answers, reference)
            metrics = quality_metrics(answers, prepare.y_val)
    return {
        "engine": result.engine,
        "p50_us": result.p50_us,
        "p99_us": result.p99_us,
        "min_us": result.min_us,
        "throughput_per_s": result.throughput_per_s,
        "error": error,
        "metrics": metrics,
    }


def fit_to_signature(x: Any, signature: Any) -> Any:
    """The validation inputs in the dtype of the model's only input."""
    import numpy as np

    specs = signature.inputs
    if len(specs) != 1:
        raise InvalidArgumentError(
            f"the standard pipeline measures models with one input, got {len(specs)}; compose your"
            f" own"
            " steps for this model"
        )
    return np.ascontiguousarray(x, dtype=specs[0].dtype)


def batched(answer: Callable[[Any], Any], x: Any) -> Any:
    """Answers for all rows, in batches of 256."""
    import numpy as np

    return np.concatenate([answer(x[i : i + _BATCH]) for i in range(0, len(x), _BATCH)])


class Checkpoints:
    """Checkpoints of one training.

    A folder per epoch that is renamed into place when it is complete.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def latest(self) -> Path | None:
        """The newest complete checkpoint."""
        found = [place for place in self.folder.glob("epoch-*") if place.suffix != ".tmp"]
        return max(found, key=lambda place: int(place.name.split("-")[1]), default=None)

    def latest_epoch(self) -> int | None:
        """How many epochs the newest checkpoint had done."""
        found = self.latest()
        return None if found is None else int(found.name.split("-")[1])

    def save(self, model: Any, epochs: int) -> None:
        """Save weights and optimizer; older checkpoints go once this one is complete."""
        draft = self.folder / f"{os.getpid()}-{epochs}.tmp"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        model.save_weights(str(draft / "model.weights.h5"))
        (draft / "state.json").write_text(json.dumps({"epochs": epochs}), encoding="utf-8")
        for item in (*draft.iterdir(), draft):
            descriptor = os.open(item, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        place = self.folder / f"epoch-{epochs:06d}"
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
        for old in self.folder.iterdir():
            if old != place:
                shutil.rmtree(old, ignore_errors=True)

    def restore(self, model: Any) -> None:
        """Load the newest checkpoint, if there is one, and let `fit` begin after it."""
        found = self.latest()
        if found is None:
            return
        if model.optimizer is not None and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        model.load_weights(str(found / "model.weights.h5"))
        # As keras.callbacks.BackupAndRestore does: fit() begins at this epoch.
        model._initial_epoch = int(found.name.split("-")[1])

    def callback(self) -> Any:
        """A Keras callback that restores at the start and saves after each epoch."""
        import keras

        checkpoints = self

        class _Callback(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_begin(self, logs: Any = None) -> None:
                checkpoints.restore(self.model)

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                checkpoints.save(self.model, epoch + 1)

        return _Callback()


def _progress(context: StepContext, epochs: int) -> Any:
    import keras

    class _Progress(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            metrics = {name: float(value) for name, value in (logs or {}).items()}
            context.report(TrainingProgress(epoch=epoch + 1, epochs=epochs, metrics=metrics))

    return _Progress()


def _fit(cell: Any, data: TrainingData, callbacks: list[Any]) -> Any:
    """Train with more callbacks than the config makes."""
    import inspect

    arrays = (data.x_train, data.y_train, data.x_val, data.y_val)
    if "callbacks" in inspect.signature(cell.train).parameters:
        return cell.train(*arrays, callbacks=callbacks, verbose=0)  # progress goes by messages
    made = cell._callbacks

    def more(validated: bool) -> tuple[list[Any], Any]:
        found, stopping = made(validated)
        return [*callbacks, *found], stopping

    cell._callbacks = more
    return cell.train(*arrays)


def _cell(config: Any, builder: Builder, data: TrainingData) -> Any:
    """A training cell with its model: the builder's, or the default network for the data."""
    import keras
    import numpy as np

    from aios.training import TensorFlowTrainingCell

    cell = TensorFlowTrainingCell(config)
    if builder is not None:
        make = resolve({"name": builder}) if isinstance(builder, str) else builder
        if config.seed is not None:
            keras.utils.set_random_seed(config.seed)
        cell.use_model(make())
        return cell
    shape, y = data.x_train.shape[1:], data.y_train
    if np.issubdtype(y.dtype, np.integer) or y.dtype == np.bool_:
        classes = int(y.max()) + 1 if y.ndim == 1 or y.shape[-1] == 1 else int(y.shape[-1])
        cell.create_model(input_shape=shape, num_classes=max(2, classes))
    else:
        outputs = 1 if y.ndim == 1 else int(np.prod(y.shape[1:]))
        cell.create_model(input_shape=shape, task="regression", num_outputs=outputs)
    return cell


def _trained(
    data: TrainingData,
    weights: FileRef,
    config: dict[str, Any],
    builder: Builder,
    context: StepContext,
) -> Any:
    """Build the model again and load its trained weights."""
    from aios.training import TrainingConfig

    model = _cell(TrainingConfig(**config), builder, data).model
    with context.work_dir() as place:
        copy = place / "model.weights.h5"
        shutil.copyfile(context.open_file(weights), copy)
        model.load_weights(str(copy), skip_mismatch=False)
    return model
