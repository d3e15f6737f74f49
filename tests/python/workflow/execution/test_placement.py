"""Which executor gets which step."""

import pytest
from workflow_doubles import wait_until

import aios
from aios.workflow.execution import executor
from aios.workflow.execution.executor import Executor, Limits, register_executor
from aios.workflow.execution.inline import InlineExecutor
from aios.workflow.execution.placement import Executors
from aios.workflow.execution.processes.executor import ProcessExecutor
from aios.workflow.execution.threads import ThreadExecutor
from aios.workflow.steps import Step

LIMITS = Limits(threads=1, processes=1)
PLAIN, ISOLATED = Step(lambda: 1, name="plain"), Step(lambda: 1, name="far", isolated=True)


class ForIsolated(InlineExecutor):
    def takes(self, step):
        return bool(step.isolated)


def test_plain_steps_go_to_threads_and_isolated_ones_to_processes():
    executors = Executors("local", LIMITS)
    assert isinstance(executors.of(PLAIN), ThreadExecutor)
    assert isinstance(executors.of(ISOLATED), ProcessExecutor)


def test_a_chosen_executor_comes_first_for_the_steps_it_takes(monkeypatch):
    monkeypatch.setattr(executor, "_TABLE", {})
    register_executor("far", lambda limits: ForIsolated())
    executors = Executors("far", LIMITS)
    assert isinstance(executors.of(PLAIN), ThreadExecutor)
    assert isinstance(executors.of(ISOLATED), ForIsolated)


class Broken(InlineExecutor):
    """One whose cluster is gone: it refuses the first attempt, and fails when told of an end."""

    def __init__(self):
        super().__init__()
        self.refused = []

    def submit(self, attempt, perform):
        if not self.refused:
            self.refused.append(attempt)
            raise ConnectionError("no cluster")
        super().submit(attempt, perform)

    def cancel(self, attempt=None):
        raise ConnectionError("no cluster")

    release = close = cancel


@pytest.mark.parametrize("retries", [0, 1])
def test_an_executor_that_cannot_take_an_attempt_has_it_failed_and_retried(make_manager, retries):
    broken = Broken()
    manager = make_manager(executor=broken)
    step = aios.step(name="s", retries=retries, backoff_s=0.001)(lambda: 1)
    manager.register_workflow(aios.Workflow(id="w", steps=[step]))
    run = manager.execute_workflow("w")
    if retries:
        wait_until(lambda: broken.waiting)
        broken.run_all()
        assert run.status == "SUCCESS"
    else:
        with pytest.raises(aios.WorkflowFailedError, match="ConnectionError: no cluster"):
            run.result(60)


def test_an_executor_that_fails_at_an_end_keeps_nobody_from_going_on(make_manager, caplog):
    broken = Broken()
    broken.refused.append(None)
    manager = make_manager(executor=broken)
    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(lambda: 1)]))
    run = manager.execute_workflow("w")
    run.cancel()
    assert run.status == "CANCELLED"
    manager.close()
    failed = [item.message for item in caplog.records if item.message.startswith("Broken.")]
    assert failed[0] == "Broken.cancel failed; the manager goes on"
    assert failed[-1] == "Broken.close failed; the manager goes on"


def test_an_executor_that_cannot_even_say_what_it_takes_costs_an_attempt(make_manager):
    class Lost(InlineExecutor):
        def takes(self, step):
            raise ConnectionError("no cluster")

    manager = make_manager(executor=Lost())
    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(lambda: 1)]))
    with pytest.raises(aios.WorkflowFailedError, match="ConnectionError: no cluster"):
        manager.execute_workflow("w").result(60)


@pytest.mark.parametrize("make", [InlineExecutor, lambda: ThreadExecutor(1)])
def test_what_has_the_methods_is_an_executor(make):
    assert isinstance(make(), Executor)


def test_a_manager_refuses_what_is_no_executor(make_manager):
    with pytest.raises(aios.InvalidArgumentError, match="executor: expected 'local'.*got int"):
        make_manager(executor=4)
