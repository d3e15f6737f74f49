import os

import numpy as np
import pytest
from workflow_doubles import FLOW, load, register

import aios
from aios.workflow.execution.inline import InlineExecutor


def test_data_is_stored_by_content(manager):
    manager.register_workflow(FLOW)
    first = manager.execute_workflow("flow", np.arange(4.0)).result(60)
    second = manager.execute_workflow("flow", np.arange(4.0)).result(60)
    third = manager.execute_workflow("flow", np.arange(5.0)).result(60)
    assert first.data_sha256 == second.data_sha256 != third.data_sha256


def test_a_step_that_raises_fails_the_run_and_says_why(manager):
    def broken(data):
        raise ValueError("bad luck")

    register(manager, broken)
    run = manager.execute_workflow("w", 1)
    with pytest.raises(
        aios.WorkflowFailedError, match="step 'broken': ValueError: bad luck"
    ) as caught:
        run.result(60)
    assert caught.value.report.status == run.status == "FAILED"
    assert caught.value.report.step("broken").error["type"] == "ValueError"


def test_retries_run_the_step_again(manager):
    calls = []

    @aios.step(retries=2, backoff_s=0.01)
    def flaky(data):
        calls.append(1)
        if len(calls) < 3:
            raise OSError("not yet")
        return "done"

    register(manager, flaky)
    run = manager.execute_workflow("w")
    run.result(60)
    assert len(calls) == 3
    assert run.steps[0].attempt == 3
    statuses = [item.status for item in run.events() if isinstance(item, aios.StepFinished)]
    assert statuses == ["RETRYING", "RETRYING", "SUCCESS"]


def test_an_unknown_workflow_says_what_to_do(manager):
    with pytest.raises(
        aios.NotFoundError, match="workflow 'ghost' isn't registered.*register_workflow"
    ):
        manager.execute_workflow("ghost")
    with pytest.raises(aios.NotFoundError, match="no run 'ghost'.*aios workflow list"):
        manager.resume("ghost")
    with pytest.raises(
        aios.InvalidArgumentError, match=r"expected an aios\.Workflow, got function"
    ):
        manager.register_workflow(load)


def test_what_a_step_may_not_return_fails_it_with_the_place(manager):
    def bad(data):
        return {"model": object()}

    register(manager, bad)
    with pytest.raises(
        aios.WorkflowFailedError, match=r"result\['model'\]: expected None, bool.*, got object"
    ):
        manager.execute_workflow("w").result(60)


def test_a_cancelled_run_can_be_resumed(make_manager):
    inline = InlineExecutor()
    manager = make_manager(executor=inline)
    register(manager, load)
    run = manager.execute_workflow("w", 1)
    run.cancel()
    assert (run.status, inline.run_all()) == ("CANCELLED", [])
    manager.resume(run.id)
    inline.run_all()
    assert run.status == "SUCCESS"


def test_two_managers_on_two_homes_do_not_meet(make_manager, tmp_path):
    one, two = make_manager(tmp_path / "one"), make_manager(tmp_path / "two")
    for manager in (one, two):
        manager.register_workflow(FLOW)
    run = one.execute_workflow("flow", np.ones(2))
    run.result(60)
    assert [item.id for item in one.runs()] == [run.id]
    assert two.runs() == []


def test_twenty_workflows_at_once_all_complete(manager):
    manager.register_workflow(FLOW)
    runs = [manager.execute_workflow("flow", np.ones(3) * i) for i in range(20)]
    assert [run.result(60).status for run in runs] == ["SUCCESS"] * 20


def test_calls_after_close_are_refused(make_manager):
    manager = make_manager()
    manager.register_workflow(FLOW)
    manager.close()
    manager.close()
    for call in (
        lambda: manager.execute_workflow("flow", 1),
        lambda: manager.register_workflow(FLOW),
        manager.runs,
        lambda: manager.resume("r"),
        lambda: manager.subscribe(aios.ModelDeployed, print),
        lambda: manager.predict("m", 1),
    ):
        with pytest.raises(aios.FailedPreconditionError, match="closed"):
            call()


def test_a_manager_used_in_a_fork_is_refused(manager):
    manager.register_workflow(FLOW)
    pid = os.fork()
    if pid == 0:
        try:
            manager.execute_workflow("flow", 1)
        except aios.FailedPreconditionError as error:
            os._exit(0 if "fork" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
