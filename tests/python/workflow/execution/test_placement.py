"""Which executor gets which step."""

import pytest

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


@pytest.mark.parametrize("make", [InlineExecutor, lambda: ThreadExecutor(1)])
def test_what_has_the_methods_is_an_executor(make):
    assert isinstance(make(), Executor)


def test_a_manager_refuses_what_is_no_executor(make_manager):
    with pytest.raises(aios.InvalidArgumentError, match="executor: expected 'local'.*got int"):
        make_manager(executor=4)
