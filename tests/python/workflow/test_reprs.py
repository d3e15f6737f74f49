"""What a session shows of an object: one line that says what it is."""

import numpy as np

import aios
from aios.training.report import TrainingReport


def load(data):
    return {"rows": [1.5] * 1000}


WORKFLOW = aios.Workflow(id="w", steps=[load, aios.step(name="end")(lambda load: 1)])


def test_every_object_of_a_manager_is_one_short_line(make_manager, tmp_path):
    place = tmp_path / "a.cell"
    place.mkdir()
    (place / "weights").write_text("a")
    manager = make_manager()
    manager.register_workflow(WORKFLOW)
    run = manager.execute_workflow("w", list(range(100)))
    report = run.result(60)
    profile = {"edges": [0.5] * 5000}
    manager.registry.register("m", place, metrics={"accuracy": 0.98765}, profile=profile)
    version = manager.promote("m", 1)
    schedule = manager.schedule("w", list(range(1000)), every_s=60)
    subscription = manager.subscribe(aios.ModelDeployed, print, name="audit")
    assert repr(version) == (
        f"<ModelVersion m 1 (champion): bundle {version.sha256[:12]}, accuracy 0.9877>"
    )
    assert repr(run) == f"<Run {run.id} of w: SUCCESS>"
    assert repr(report).startswith(f"<RunReport {run.id} of w: SUCCESS in ")
    assert repr(report.steps[0]).startswith("<Step load: SUCCESS in ")
    assert repr(WORKFLOW) == "<Workflow w: load → end>"
    assert repr(schedule) == "<Schedule w: w every 60 s, 0 runs>"
    assert repr(subscription) == "<Subscription 'audit' to ModelDeployed>"
    assert repr(manager).startswith(f"<AICellManager of {tmp_path / 'home'}: 1 workflows, drives ")
    manager.close()
    assert repr(manager) == f"<AICellManager of {tmp_path / 'home'}: closed>"
    assert repr(run) == f"<Run {run.id}>"


def test_data_and_reports_of_trainings_are_one_short_line():
    data = aios.TrainingData(np.zeros((500, 8), np.float32), np.zeros(500, np.int64))
    assert repr(data) == "<TrainingData x_train float32[500, 8], y_train int64[500]>"
    report = TrainingReport({"loss": [0.1] * 1000}, {"loss": 0.1}, 1000, 12.345, None, True)
    assert repr(report) == "<TrainingReport 1000 epochs in 12.3 s, stopped early: loss 0.1>"
