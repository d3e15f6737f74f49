import pytest

import aios
from aios.workflow.steps import Plan, Step


def load(data):
    return data


def test_a_decorated_function_is_still_called_like_one():
    @aios.step(retries=2, timeout_s=600)
    def double(x):
        return 2 * x

    assert double(4) == 8
    assert (double.name, double.retries, double.timeout_s) == ("double", 2, 600)


def test_parameters_name_what_is_read():
    def train(load, context, rate=0.1):
        return load

    plan = Plan.of([train, load])
    assert list(plan.steps) == ["load", "train"]
    assert plan.inputs["train"] == {"load": "load"}


def test_needs_maps_parameters_to_steps():
    plan = Plan.of([load, Step(lambda x: x, name="use", needs={"x": "load"})])
    assert plan.inputs["use"] == {"x": "load"}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([], "at least one step"),
        ([load, load], "two steps are named 'load'"),
        (
            [Step(lambda b: b, name="a"), Step(lambda a: a, name="b")],
            "wait for each other: .*break",
        ),
        ([Step(lambda missing: 0, name="a")], "nothing feeds its parameter 'missing'"),
        ([Step(lambda: 0, name="a", after=("ghost",))], "after='ghost' names no step"),
        ([Step(lambda x=1: 0, name="a", over="x")], "over='x' must name a parameter fed by a step"),
    ],
)
def test_a_plan_that_cannot_run_says_why(steps, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        Plan.of(steps)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "has space"}, "expected an identifier"),
        ({"name": "data"}, "expected an identifier other than data"),
        ({"retries": -1}, "retries must be 0 or more, got -1"),
        ({"timeout_s": 0}, "timeout_s must be above 0"),
        ({"retires": 1}, "unknown option 'retires'; options are after"),
    ],
)
def test_a_step_that_cannot_be_says_why(options, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        aios.step(**options)(load)


def test_a_coroutine_is_refused():
    async def fetch():
        return 1

    with pytest.raises(aios.InvalidArgumentError, match="expected a plain function"):
        aios.step(fetch)


def test_a_workflow_id_is_checked():
    with pytest.raises(aios.InvalidArgumentError, match="workflow id: expected letters"):
        aios.Workflow(id="a/b", steps=[load])
