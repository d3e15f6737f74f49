"""Runs are started with their input stored first, at once or by schedule."""

import pytest

import aios
from aios.home.codec import ValueRef, load_value
from aios.workflow.execution.inline import InlineExecutor


@pytest.fixture
def manager(make_manager):
    made = make_manager(executor=InlineExecutor())
    made.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(lambda data: data)]))
    return made


def test_a_run_is_recorded_with_its_input_plan_and_message(manager):
    run = manager.execute_workflow("w", ["x" * 20_000], source="models:workflow")
    record = manager.run_record(run.id)
    assert (record.workflow, record.source, record.plan) == ("w", "models:workflow", ("s",))
    reference = ValueRef.from_json(record.data)
    assert reference.sha256 == record.data_sha256
    assert load_value(reference, manager.home.content) == ["x" * 20_000]
    first = next(run.events())
    assert (type(first).__name__, first.data_sha256) == ("RunStarted", record.data_sha256)


def test_what_cannot_be_stored_starts_no_run(manager):
    with pytest.raises(aios.InvalidArgumentError, match="data: expected None, bool.*, got object"):
        manager.execute_workflow("w", object())
    assert manager.runs() == []


def test_a_schedule_starts_its_run_once_whoever_fires_it(manager):
    schedule = manager.schedule("w", 5, every_s=60, start_at=0.0)
    starter = manager._starter
    assert starter._fire(schedule, "w-by-hand")
    assert starter._fire(schedule, "w-by-hand")
    assert [run.id for run in manager.runs()].count("w-by-hand") == 1


def test_a_schedule_of_a_workflow_that_is_not_known_here_waits(manager, make_manager):
    other = make_manager(executor=InlineExecutor())
    schedule = manager.schedule("w", 5, every_s=3600)
    assert not other._starter._fire(schedule, "w-1")
