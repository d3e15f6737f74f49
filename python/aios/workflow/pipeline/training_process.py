"""The isolated steps of the standard pipeline: what runs in a child process.

`train`, `evaluate` and `export` need TensorFlow; `verify` and `benchmark` only the cell.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
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

    Returns:
        The weights, and what was learnt: metrics, history, epochs and seconds of this attempt, and
        the epoch that it went on from.
    """
    from aios.training import TrainingConfig

    # Kept until the run is over: a kill may come between the training's end and its record.
    settings = {**config, "checkpoint_dir": context.checkpoint_dir, "keep_checkpoint": True}
    cell = _cell(TrainingConfig(**settings), builder, prepare)
    report = cell.train(
        *(prepare.x_train, prepare.y_train, prepare.x_val, prepare.y_val),
        callbacks=[_progress(context, cell.config.epochs)],
        verbose=0,  # progress goes by messages
    )
    with context.work_dir() as place:
        cell.model.save_weights(str(place / "model.weights.h5"))
        weights = context.save_file(place / "model.weights.h5")
    metrics = {name: float(value) for name, value in report.metrics.items()}
    context.emit(
        ModelTrained(
            workflow=context.workflow,
            metrics=metrics,
            seconds=report.seconds,
            resumed_from=report.resumed_from,
        )
    )
    return {
        "weights": weights,
        "metrics": metrics,
        "history": {name: list(map(float, values)) for name, values in report.history.items()},
        "epochs": report.epochs,
        "seconds": report.seconds,
        "resumed_from": report.resumed_from,
    }


def evaluate(
    prepare: TrainingData,
    train: dict[str, Any],
    config: dict[str, Any],
    builder: Builder,
    context: StepContext,
) -> dict[str, Any]:
    """Ask the training model about the validation inputs.

    Returns:
        How good its answers are, and the answers; None for those of several outputs.
    """
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
    """Write the bundle into the home, under its hash.

    Returns:
        The hash, the size in bytes, and the verdict of each artifact.
    """
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
    """Measure one call on this machine, and compare the cell's answers with the training model's.

    Returns:
        The engine, its latencies in microseconds, calls per second, the largest difference between
        the answers (None if the model has several outputs), and the quality of the cell's answers.
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
    """The validation inputs, [n, …], in the dtype of the model's only input.

    Raises:
        InvalidArgumentError: it has several.
    """
    import numpy as np

    specs = signature.inputs
    if len(specs) != 1:
        raise InvalidArgumentError(
            f"the standard pipeline measures models with one input, got {len(specs)}; compose your"
            " own steps for this model"
        )
    return np.ascontiguousarray(x, dtype=specs[0].dtype)


def batched(answer: Callable[[Any], Any], x: Any) -> Any:
    """Answers for all rows, in batches of 256."""
    import numpy as np

    return np.concatenate([answer(x[i : i + _BATCH]) for i in range(0, len(x), _BATCH)])


def _progress(context: StepContext, epochs: int) -> Any:
    """Tells of each epoch when its checkpoint is on the disk: when the next begins, or at the end.

    So what was told survives a kill.
    """
    import keras

    class _Progress(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._ended: TrainingProgress | None = None

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            metrics = {name: float(value) for name, value in (logs or {}).items()}
            self._ended = TrainingProgress(epoch=epoch + 1, epochs=epochs, metrics=metrics)

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._tell()

        def on_train_end(self, logs: Any = None) -> None:
            self._tell()

        def _tell(self) -> None:
            ended, self._ended = self._ended, None
            if ended is not None:
                context.report(ended)

    return _Progress()


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
