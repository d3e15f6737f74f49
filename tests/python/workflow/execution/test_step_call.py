"""A step's call in this process: what its parameters get, and where its result goes."""

import pytest

from aios.home.codec import load_value, store_value
from aios.home.home_files import HomeFiles
from aios.workflow.execution.context import StepContext
from aios.workflow.execution.executor import Attempt
from aios.workflow.execution.run_events import Launch
from aios.workflow.execution.step_call import call_here
from aios.workflow.steps import Step


@pytest.fixture
def call(tmp_path):
    """Calls a step on values; returns its result."""
    files = HomeFiles(tmp_path)

    def call(step, index=None, **values):
        inputs = {name: store_value(value, files.content) for name, value in values.items()}
        context = StepContext("r", "w", step.name, 1, files)
        attempt = Attempt(Launch(step.name, step.name, 1, 1, index), step, context, lambda: inputs)
        return load_value(call_here(attempt), files.content)

    yield call
    files.release()


def test_parameters_get_inputs_constants_and_the_context(call):
    def work(a, b, context, rate=1):
        return [a + b, rate, context.step]

    assert call(Step(work, constants={"rate": 7}), a=1, b=2) == [3, 7, "work"]


def test_an_element_gets_its_part_of_the_list_it_fans_out_over(call):
    def work(parts, data):
        return [parts, data]

    assert call(Step(work, over="parts"), index=1, parts=["x", "y"], data=[1, 2]) == ["y", [1, 2]]


def test_what_the_function_raises_comes_out(call):
    with pytest.raises(ZeroDivisionError):
        call(Step(lambda a: 1 / a, name="s"), a=0)
