"""What every `Executor` must do: subclass `ExecutorConformance` with an `executor` fixture."""

import threading

import pytest
from workflow_doubles import refuse, twice, wait_until

from aios.home.codec import load_value, store_value
from aios.home.home_files import HomeFiles
from aios.workflow.execution.context import StepContext
from aios.workflow.execution.executor import Attempt, Executor
from aios.workflow.execution.run_events import Launch
from aios.workflow.steps import Step


class ExecutorConformance:
    """Quirks of an executor go into `options` (of its steps) and `go_on` (what lets it work)."""

    options = {}  # noqa: RUF012

    def go_on(self, executor):
        """Let what was submitted run; most executors need no word for that."""

    @pytest.fixture
    def files(self, tmp_path):
        files = HomeFiles(tmp_path / "home")
        yield files
        files.release()

    @pytest.fixture
    def attempt(self, files):
        """Makes an attempt of a function on a number."""

        def make(function, number, run_id="r"):
            step = Step(function, name="s", **self.options)
            inputs = {"number": store_value(number, files.content)}
            context = StepContext(run_id, "w", f"s{number}", 1, HomeFiles(files.path))
            return Attempt(Launch(f"s{number}", "s", 1, 1), step, context, lambda: inputs)

        return make

    @pytest.fixture
    def ends(self):
        return []

    @pytest.fixture
    def perform(self, ends):
        """Makes what a host gives with an attempt: it notes what the computation came to."""

        def make(attempt):
            def run(compute):
                try:
                    ends.append(compute(attempt))
                except BaseException as error:
                    ends.append(error)
                finally:
                    attempt.context.home.release()

            return run

        return make

    def test_it_is_an_executor_that_takes_its_steps(self, executor):
        assert isinstance(executor, Executor)
        assert executor.takes(Step(twice, **self.options))

    def test_each_attempt_is_performed_once_and_its_result_is_stored(
        self, executor, attempt, perform, ends, files
    ):
        for number in range(3):
            made = attempt(twice, number)
            executor.submit(made, perform(made))
        self.go_on(executor)
        wait_until(lambda: len(ends) == 3)
        assert sorted(load_value(item, files.content) for item in ends) == [0, 2, 4]

    def test_submit_returns_before_the_step_is_called(self, executor, attempt):
        submitted, order = threading.Event(), []

        def run(compute):
            assert submitted.wait(60)
            order.append("performed")

        executor.submit(attempt(twice, 1), run)
        order.append("submitted")
        submitted.set()
        self.go_on(executor)
        wait_until(lambda: len(order) == 2)
        assert order == ["submitted", "performed"]

    def test_what_a_step_raises_reaches_the_host(self, executor, attempt, perform, ends):
        made = attempt(refuse, 7)
        executor.submit(made, perform(made))
        self.go_on(executor)
        wait_until(lambda: ends)
        assert "no 7" in str(ends[0])

    def test_cancelling_is_harmless_before_and_after_and_twice(
        self, executor, attempt, perform, ends, files
    ):
        never = attempt(twice, 1)
        executor.cancel(never)
        made = attempt(twice, 2)
        executor.submit(made, perform(made))
        self.go_on(executor)
        wait_until(lambda: ends)
        for _ in range(2):
            executor.cancel(made)
        again = attempt(twice, 3)
        executor.submit(again, perform(again))
        self.go_on(executor)
        wait_until(lambda: len(ends) == 2)
        assert load_value(ends[1], files.content) == 6

    def test_a_run_that_is_released_takes_nothing_from_the_next(
        self, executor, attempt, perform, ends, files
    ):
        for count, run_id in enumerate(("one", "two"), 1):
            made = attempt(twice, 5, run_id)
            executor.submit(made, perform(made))
            self.go_on(executor)
            wait_until(lambda count=count: len(ends) == count)
            executor.release(run_id)
        assert [load_value(item, files.content) for item in ends] == [10, 10]

    def test_nothing_begins_after_close(self, executor, attempt, perform, ends):
        executor.close()
        executor.close()
        made = attempt(twice, 1)
        executor.submit(made, perform(made))
        self.go_on(executor)
        assert ends == []
