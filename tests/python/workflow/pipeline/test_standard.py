"""The standard pipeline, for real: Keras in a child process, bundles, gates, the C++ cell."""

import os
import signal

import numpy as np
import pytest
from workflow_doubles import wait_until

import aios
from aios.deployment import monitor
from aios.workflow.pipeline.standard import prepare

STEPS = [
    *("prepare", "train", "evaluate", "gate_quality", "export", "verify"),
    *("benchmark", "gate_performance", "register", "deploy"),
]


def build_model():
    import keras

    return keras.Sequential(
        [
            keras.layers.Input((8,), name="x"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )


def hopeless_model():
    import keras

    return keras.Sequential(
        [
            keras.layers.Input((8,)),
            keras.layers.Dense(
                2, activation="softmax", trainable=False, kernel_initializer="zeros"
            ),
        ]
    )


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 8)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] > 0).astype(np.int64)
    return aios.TrainingData(x[:500], y[:500], x[500:], y[500:])


def workflow(**options):
    options = {
        "training": aios.TrainingConfig(epochs=10, early_stopping_patience=None),
        "model": build_model,
        "export": {"engines": ["litert"]},
        "gates": aios.Gates(
            min_accuracy=0.8, max_error=1e-3, max_p99_us=100_000, max_regression=0.05
        ),
        **options,
    }
    return aios.Workflow(id="points", **options)


@pytest.fixture(scope="module")
def home(tmp_path_factory, data):
    """A home with one successful run: (path, run id)."""
    path = tmp_path_factory.mktemp("standard") / "home"
    with aios.AICellManager(path) as manager:
        manager.register_workflow(workflow(export={}))
        run = manager.execute_workflow("points", data)
        run.result(300)
    return path, run.id


def test_every_step_succeeds_with_verdicts_and_messages(home, data):
    path, run_id = home
    with aios.AICellManager(path) as manager:
        manager.register_workflow(workflow())
        run = manager.run(run_id)
        report = run.report()
        assert [item.name for item in report.steps] == STEPS
        assert {item.status for item in report.steps} == {"SUCCESS"}
        assert report.step("gate_quality").verdict["passed"]
        assert report.step("gate_performance").verdict["passed"]
        kinds = [type(item).__name__ for item in run.events()]
        for kind in (
            "ModelTrained",
            "ModelExported",
            "ModelVerified",
            "ModelRegistered",
            "ModelDeployed",
        ):
            assert kinds.count(kind) == 1
        epochs = [item.epoch for item in run.events() if isinstance(item, aios.TrainingProgress)]
        assert epochs[0] == 1
        (version,) = manager.registry.versions("points")
        assert (version.version, version.run_id, version.aliases) == (1, run_id, ("champion",))
        assert version.data_sha256 == report.data_sha256
        assert run.output("benchmark")["error"] < 1e-3


def test_the_deployed_model_answers_like_the_training_model(home, data):
    path, run_id = home
    with aios.AICellManager(path) as manager:
        answers = manager.predict("points@champion", data.x_val)
        reference = manager.run(run_id).output("evaluate")["answers"]
        np.testing.assert_allclose(answers, reference, atol=1e-5)
        assert np.mean(answers.argmax(-1) == data.y_val) >= 0.8


def test_drift_of_the_deployed_model_is_measured_against_its_training_data(home, monkeypatch):
    monkeypatch.setattr(monitor, "_SAMPLE_INTERVAL_NS", 0)
    path, _ = home
    random = np.random.default_rng(1)
    with aios.AICellManager(path) as manager:
        seen = []
        manager.subscribe(aios.DriftDetected, seen.append)
        for _ in range(20):
            manager.predict("points", (random.normal(size=(64, 8)) + 3).astype(np.float32))
        wait_until(lambda: seen)
        assert (seen[0].name, seen[0].version) == ("points", 1)


def test_the_manager_needs_no_tensorflow(home, run_python):
    path, run_id = home
    code = f"""
import sys, aios
with aios.AICellManager({str(path)!r}) as manager:
    manager.register_workflow(aios.Workflow(id="points", training=aios.TrainingConfig()))
    assert manager.run({run_id!r}).status == "SUCCESS"
print(*sys.modules)
"""
    assert not {"tensorflow", "keras"}.intersection(run_python(code).split())


def test_a_failed_gate_stops_the_deploy_and_says_why(home, data):
    path, _ = home
    with aios.AICellManager(path) as manager:
        manager.register_workflow(workflow(model=hopeless_model))
        run = manager.execute_workflow("points", data)
        with pytest.raises(
            aios.WorkflowFailedError, match="gate_quality.*accuracy: expected at least 0.8"
        ):
            run.result(300)
        step = run.report().step("gate_quality")
        assert step.verdict["passed"] is False
        assert step.attempt == 1
        assert "export" not in [item.name for item in run.steps]
        decided = [item for item in run.events() if isinstance(item, aios.GateDecided)]
        assert [item.passed for item in decided] == [False]
        assert manager.registry.resolve("points").version == 1


def test_a_worse_model_than_the_champion_is_not_deployed(home, data):
    path, _ = home
    with aios.AICellManager(path) as manager:
        gates = aios.Gates(max_regression=0.05)
        manager.register_workflow(workflow(model=hopeless_model, gates=gates))
        run = manager.execute_workflow("points", data)
        with pytest.raises(
            aios.WorkflowFailedError, match=r"gate_performance.*regression: expected at most 0\.05"
        ):
            run.result(300)
        assert manager.registry.resolve("points").version == 1


def test_a_killed_training_goes_on_from_its_last_checkpoint(make_manager, data, tmp_path):
    """The trainer dies after epoch 4, as if for lack of memory; the next begins where it was."""
    config = aios.TrainingConfig(epochs=25, early_stopping_patience=None)
    manager = make_manager(lease_s=10)
    manager.register_workflow(workflow(training=config, gates=aios.Gates()))
    run = manager.execute_workflow("points", data)
    for event in run.events():
        if isinstance(event, aios.TrainingProgress) and event.epoch >= 4:
            break
    (pid,) = manager._host.executors.of(workflow().plan.steps["train"]).pids()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(aios.WorkflowFailedError, match="too much memory"):
        run.result(60)
    manager.resume(run.id)
    for event in run.events():
        if isinstance(event, aios.ModelTrained):
            break
    assert event.resumed_from >= 4
    run.cancel()


def test_a_builder_named_by_a_text_that_cannot_be_imported_says_so(manager, data):
    manager.register_workflow(workflow(model="no_such_module:build"))
    with pytest.raises(
        aios.WorkflowFailedError, match="'no_such_module:build' can't be imported.*resume"
    ):
        manager.execute_workflow("points", data).result(120)


def test_regression_goes_through_with_the_default_network(make_manager):
    random = np.random.default_rng(0)
    x = random.normal(size=(400, 3)).astype(np.float32)
    y = (x @ [1.0, -2.0, 0.5]).astype(np.float32)
    manager = make_manager(lease_s=10)
    gates = aios.Gates(maximum={"mae": 1.0}, max_regression=0.1, metric="mae")
    config = aios.TrainingConfig(epochs=30, learning_rate=1e-2)
    manager.register_workflow(
        aios.Workflow(id="line", training=config, gates=gates, export={"engines": ["litert"]})
    )
    report = manager.execute_workflow("line", aios.TrainingData(x, y)).result(300)
    assert report.step("gate_quality").verdict["checks"][0]["observed"] < 1.0
    assert manager.predict("line", x[:5]).shape == (5, 1)


def test_prepare_holds_out_a_fifth_and_checks_the_data():
    x, y = np.arange(100.0).reshape(50, 2), np.arange(50)
    made = prepare(aios.TrainingData(x, y))
    assert (len(made.x_train), len(made.x_val)) == (40, 10)
    assert sorted([*made.y_train, *made.y_val]) == list(range(50))
    with pytest.raises(aios.InvalidArgumentError, match=r"expected aios\.TrainingData"):
        prepare({"x": x})
    with pytest.raises(aios.InvalidArgumentError, match="x_train: expected finite numbers"):
        prepare(aios.TrainingData(x * np.nan, y))
