"""What is told of a run: its steps in the plan's order, and those not reached."""

import pytest

from aios.home.store import RunRecord, StepRecord
from aios.workflow.execution.reports import run_report


def run(**more):
    return RunRecord("r", "w", "RUNNING", 100.0, {}, "sha", **more)


def step(name, started=0.0, **more):
    return StepRecord(name, "SUCCESS", 1, 1, started, **more)


def test_steps_come_in_the_plans_order_with_their_elements_in_their_own():
    steps = [step("end"), step("fit[10]"), step("fit[2]"), step("fit"), step("load")]
    report = run_report(run(), steps, ("load", "fit", "end", "later"))
    assert [item.name for item in report.steps] == ["load", "fit", "fit[2]", "fit[10]", "end"]
    assert report.not_reached == ("later",)


def test_without_the_workflow_the_plan_that_was_stored_decides_and_the_rest_as_they_started():
    steps = [step("gone", 9.0), step("b", 5.0), step("older", 3.0), step("a", 7.0)]
    report = run_report(run(plan=("a", "b")), steps)
    assert [item.name for item in report.steps] == ["a", "b", "older", "gone"]


def test_a_run_lasts_from_its_creation_and_never_less_than_nothing():
    assert run_report(run(), []).seconds is None
    assert run_report(run(finished=104.0), []).seconds == 4.0
    assert run_report(run(finished=90.0), []).seconds == 0.0  # the wall clock was set back


def test_a_step_is_found_by_name():
    report = run_report(run(), [step("a", seconds=0.5)])
    assert report.step("a").seconds == 0.5
    assert repr(report.step("a")) == "<Step a: SUCCESS in 0.5 s>"
    assert report.to_json()["steps"][0]["name"] == "a"
    with pytest.raises(KeyError):
        report.step("b")
