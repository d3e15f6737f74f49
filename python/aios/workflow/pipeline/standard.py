"""The standard pipeline: from data to a deployed, verified model.

prepare → train → evaluate → gate_quality → export → verify → benchmark → gate_performance
→ register → deploy
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from aios.deployment.drift import Profile
from aios.errors import InvalidArgumentError, NotFoundError
from aios.home.codec import store_value
from aios.home.messages import GateDecided
from aios.registry.model_version import ModelVersion
from aios.workflow.execution.context import StepContext
from aios.workflow.gates import GateFailedError, Gates, Verdict, smaller_is_better
from aios.workflow.pipeline import training_process
from aios.workflow.pipeline.quality import quality_metrics
from aios.workflow.pipeline.training_data import TrainingData
from aios.workflow.steps import Step

_TRAINING: Final = ("keras", "tensorflow", "tensorflow-cpu")
_PROFILE_ROWS: Final = 20_000
_HELD_OUT_SHARE: Final = 0.2


class Recipe(Protocol):
    """What the standard pipeline reads of a workflow."""

    @property
    def training(self) -> Any:
        """An `aios.TrainingConfig`, or None."""

    @property
    def model(self) -> Callable[[], Any] | str | None:
        """What builds the model."""

    @property
    def gates(self) -> Gates:
        """What has to be reached."""

    @property
    def export(self) -> dict[str, Any]:
        """More arguments of the export."""

    @property
    def alias(self) -> str:
        """What the deploy step promotes the new version to."""

    @property
    def timeout_s(self) -> float | None:
        """The time limit of the training step."""


def standard_steps(workflow: Recipe) -> list[Step]:
    """The steps of a workflow that gives none of its own."""
    config = _config(workflow.training)
    model = {"config": config, "builder": workflow.model}
    isolated = {"isolated": "tensorflow", "packages": _TRAINING}
    cell = {"isolated": "cell", "packages": ("aios-cells", "ai-edge-litert", "openvino")}
    source = _module_text(workflow.model)

    def child(
        function: Any, constants: Mapping[str, Any], options: dict[str, Any], **more: Any
    ) -> Step:
        return Step(function, constants=constants, version=source, **options, **more)

    return [
        Step(prepare),
        child(training_process.train, model, isolated, timeout_s=workflow.timeout_s),
        child(training_process.evaluate, model, isolated),
        Step(gate_quality, constants={"gates": workflow.gates}),
        child(
            training_process.export,
            {**model, "options": workflow.export},
            isolated,
            after=("gate_quality",),
        ),
        child(training_process.verify, {}, cell),
        child(training_process.benchmark, {}, cell),
        Step(
            gate_performance,
            constants={"gates": workflow.gates, "alias": workflow.alias},
        ),
        Step(register, durable=True, after=("gate_performance",)),
        Step(deploy, constants={"alias": workflow.alias}, durable=True),
    ]


def prepare(data: Any) -> TrainingData:
    """Check the data, and hold out a fifth of the training rows if there is nothing to validate on.

    Raises:
        InvalidArgumentError: it isn't `aios.TrainingData`, isn't finite, or has one row only.
    """
    import numpy as np

    if not isinstance(data, TrainingData):
        raise InvalidArgumentError(
            f"data: expected aios.TrainingData(x_train, y_train, …), got {type(data).__name__}"
        )
    for name in ("x_train", "x_val"):
        x = getattr(data, name)
        if x is not None and np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
            raise InvalidArgumentError(f"{name}: expected finite numbers, got NaN or infinity")
    if data.x_val is not None:
        return data
    rows = len(data.x_train)
    if rows < 2:
        raise InvalidArgumentError(
            "x_train: expected two rows or more, to hold one out; or give x_val"
        )
    order = np.random.default_rng(7).permutation(rows)
    held = max(1, round(rows * _HELD_OUT_SHARE))
    kept, out = np.sort(order[held:]), np.sort(order[:held])
    return TrainingData(
        data.x_train[kept], data.y_train[kept], data.x_train[out], data.y_train[out]
    )


def gate_quality(evaluate: dict[str, Any], gates: Gates, context: StepContext) -> dict[str, Any]:
    """Stop unless the metrics keep their limits."""
    return _decide(gates.judge_quality(evaluate["metrics"]), context)


def gate_performance(  # noqa: PLR0917
    prepare: TrainingData,
    benchmark: dict[str, Any],
    export: dict[str, Any],
    gates: Gates,
    alias: str,
    context: StepContext,
) -> dict[str, Any]:
    """Stop unless latency, size and error keep their limits, and quality the champion's level.

    The champion answers the same held-out rows.
    """
    regression = None
    if gates.max_regression is not None:
        regression = _regression(prepare, benchmark["metrics"], gates.metric, alias, context)
    found = gates.judge_bundle(
        p99_us=benchmark["p99_us"],
        size_bytes=export["bytes"],
        error=benchmark["error"],
        regression=regression,
    )
    return _decide(found, context)


def register(
    prepare: TrainingData,
    evaluate: dict[str, Any],
    export: dict[str, Any],
    benchmark: dict[str, Any],
    context: StepContext,
) -> dict[str, Any]:
    """Add the bundle to the registry, with the profile that drift is measured against."""
    bundle = context.home.bundle(export["sha256"])
    profile = Profile.of(
        {"x": prepare.x_train[:_PROFILE_ROWS]},
        {} if evaluate["answers"] is None else {"y": evaluate["answers"][:_PROFILE_ROWS]},
    )
    metrics = {
        **evaluate["metrics"],
        "p50_us": benchmark["p50_us"],
        "p99_us": benchmark["p99_us"],
    }
    version = context.register_model(
        context.workflow,
        bundle,
        data_sha256=context.data_sha256,
        metrics=metrics,
        profile=store_value(profile.to_json(), context.home.content).to_json(),
    )
    return {"name": context.workflow, "version": version, "sha256": export["sha256"]}


def deploy(register: dict[str, Any], alias: str, context: StepContext) -> dict[str, Any]:
    """Let the alias answer with the new version."""
    context.promote_model(register["name"], register["version"], alias)
    return {**register, "alias": alias}


def _decide(found: Verdict, context: StepContext) -> dict[str, Any]:
    context.verdict = found.to_json()
    decided = GateDecided(passed=found.passed, reason=found.reason)
    if not found.passed:
        context.report(decided)
        raise GateFailedError(found.reason)
    context.emit(decided)
    return found.to_json()


def _regression(
    data: TrainingData,
    metrics: Mapping[str, float],
    metric: str,
    alias: str,
    context: StepContext,
) -> float | None:
    """How much worse than the champion, on the same held-out rows; None if there is no champion."""
    champion = _champion(context, alias)
    if champion is None:
        return None
    from aios.bridge import load

    if metric not in metrics:
        raise InvalidArgumentError(
            f"gates: metric '{metric}' isn't among those measured: {', '.join(sorted(metrics))}"
        )
    with load(Path(champion.bundle)) as bridge:
        x = training_process.fit_to_signature(data.x_val, bridge.signature)
        answers = training_process.batched(bridge.perform_inference, x)
    theirs = quality_metrics(answers, data.y_val)[metric]
    worse = theirs - metrics[metric]
    return -worse if smaller_is_better(metric) else worse


def _champion(context: StepContext, alias: str) -> ModelVersion | None:
    if context.registry is None:
        return None
    try:
        return context.registry.resolve(context.workflow, alias)
    except NotFoundError:
        return None


def _config(training: Any) -> dict[str, Any]:
    """The training's settings as plain values, so that the manager's process needs no Keras."""
    if training is None:
        return {}
    if not dataclasses.is_dataclass(training) or isinstance(training, type):
        raise InvalidArgumentError(
            f"training: expected an aios.TrainingConfig, got {type(training).__name__}"
        )
    values = dataclasses.asdict(training)
    return {
        name: str(value) if isinstance(value, Path) else value for name, value in values.items()
    }


def _module_text(model: Any) -> str:
    """The hash of the file that a builder named "module:function" is in; empty if there is none."""
    if not isinstance(model, str):
        return ""
    try:
        spec = importlib.util.find_spec(model.partition(":")[0])
    except (ImportError, ValueError):
        return ""
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        return ""
    return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()
