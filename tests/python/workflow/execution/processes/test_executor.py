"""Isolated steps: each runs in a child process, and whatever ends it is a failed step."""

import pytest
from conformance.executor import ExecutorConformance
from workflow_doubles import run_one, twice, wait_until

import aios
from aios.workflow.execution.processes.executor import ProcessExecutor


class TestProcessExecutor(ExecutorConformance):
    options = {"isolated": "x"}  # noqa: RUF012

    @pytest.fixture
    def executor(self):
        made = ProcessExecutor(2)
        yield made
        made.close()

    def test_the_child_of_a_run_ends_with_it(self, executor, attempt, perform, ends):
        made = attempt(twice, 1)
        executor.submit(made, perform(made))
        wait_until(lambda: ends)
        assert len(executor.pids()) == 1
        executor.release("r")
        assert executor.pids() == []


def test_an_exception_keeps_its_type_and_place(manager):
    def work(data):
        raise ZeroDivisionError("nothing to share")

    with pytest.raises(
        aios.WorkflowFailedError, match="ZeroDivisionError: nothing to share .in work,"
    ):
        run_one(manager, work).result(60)


def test_a_typed_error_stays_typed(manager):
    def work(data):
        import aios

        raise aios.InvalidArgumentError("x: expected more")

    run = run_one(manager, work)
    with pytest.raises(aios.WorkflowFailedError):
        run.result(60)
    assert run.steps[0].error == {
        "type": "InvalidArgumentError",
        "code": 3,
        "message": "x: expected more",
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("os.kill(os.getpid(), 9)", "was killed .SIGKILL.*too much memory; give it more memory"),
        ("os.kill(os.getpid(), 11)", "crashed .SIGSEGV"),
        (
            "print('last words', file=sys.stderr, flush=True); os._exit(3)",
            "with code 3.*last words",
        ),
        ("bytearray(1 << 60)", "MemoryError"),
    ],
)
def test_a_process_that_dies_is_a_failed_step_with_its_reason(manager, body, message):
    namespace = {}
    exec(f"def work(data):\n    import os, sys\n    {body}\n", namespace)
    namespace["work"].__module__ = "__main__"
    with pytest.raises(aios.WorkflowFailedError, match=message):
        run_one(manager, namespace["work"]).result(60)
    run = run_one(manager, lambda data: "the manager lives")
    assert run.result(60).status == "SUCCESS"
