"""The executor for tests: nothing runs until it is asked for, and the order is the test's."""

import pytest
from conformance.executor import ExecutorConformance
from workflow_doubles import wait_until

import aios
from aios.workflow.execution.inline import InlineExecutor


class TestInlineExecutor(ExecutorConformance):
    @pytest.fixture
    def executor(self):
        return InlineExecutor()

    def go_on(self, executor):
        executor.run_all()


@pytest.fixture
def inline():
    return InlineExecutor()


@pytest.fixture
def manager(make_manager, inline):
    return make_manager(executor=inline)


def start(manager, *steps, data=None):
    manager.register_workflow(aios.Workflow(id="w", steps=steps))
    return manager.execute_workflow("w", data)


def left(data):
    return data + 1


def right(data):
    return data + 2


def both(left, right):
    return (left, right)


def test_nothing_runs_by_itself_and_all_in_the_order_asked_for(manager, inline):
    run = start(manager, left, right, both, data=1)
    assert inline.waiting == [f"{run.id}/left", f"{run.id}/right"]
    assert [item.status for item in run.steps] == ["RUNNING", "RUNNING"]
    inline.run("right")
    assert [item.status for item in run.steps] == ["RUNNING", "SUCCESS"]
    inline.run("left")
    assert inline.run_all() == [f"{run.id}/both"]
    assert run.status == "SUCCESS"
    assert run.output("both") == (2, 3)


def test_elements_of_a_fan_out_are_asked_for_by_number(manager, inline):
    order = []

    @aios.step(over="parts")
    def each(parts):
        order.append(parts)
        return parts * 10

    run = start(manager, aios.step(name="parts")(lambda data: data), each, data=[1, 2, 3])
    inline.run("parts")
    for name in ("each[2]", "each[0]", "each[1]"):
        inline.run(name)
    assert order == [3, 1, 2]
    assert run.output("each") == [10, 20, 30]


def test_an_isolated_step_runs_here_too(manager, inline):
    seen = []
    run = start(manager, aios.step(isolated=True, name="s")(lambda: seen.append(1)))
    inline.run_all()
    assert (run.status, seen) == ("SUCCESS", [1])


def test_a_cancelled_run_waits_no_more(manager, inline):
    run = start(manager, left, right, both, data=1)
    inline.run("left")
    run.cancel()
    assert inline.waiting == []
    assert run.status == "CANCELLED"


def test_a_step_that_fails_waits_again_after_its_pause(manager, inline):
    tries = []

    @aios.step(retries=1, backoff_s=0.001)
    def flaky(data):
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return "done"

    run = start(manager, flaky)
    inline.run()
    wait_until(lambda: inline.waiting)
    inline.run()
    assert (run.status, run.steps[0].attempt) == ("SUCCESS", 2)
    ends = [item.status for item in run.events() if isinstance(item, aios.StepFinished)]
    assert ends == ["RETRYING", "SUCCESS"]


def test_asking_for_what_does_not_wait_says_what_does(manager, inline):
    run = start(manager, left, right, both, data=1)
    with pytest.raises(aios.NotFoundError, match=f"of both waits; waiting: {run.id}/left"):
        inline.run("both")
    inline.run_all()
    with pytest.raises(aios.NotFoundError, match="no attempt of any step waits; waiting: none"):
        inline.run()


def test_what_waits_goes_on_in_another_manager_when_this_one_closes(make_manager, inline):
    one, other = make_manager(executor=inline), InlineExecutor()
    run = start(one, left, right, both, data=1)
    inline.run("left")
    one.close()
    assert inline.waiting == []
    two = make_manager(executor=other)
    two.register_workflow(aios.Workflow(id="w", steps=[left, right, both]))
    two.resume(run.id)
    assert other.run_all() == [f"{run.id}/right", f"{run.id}/both"]
    assert two.run(run.id).status == "SUCCESS"
