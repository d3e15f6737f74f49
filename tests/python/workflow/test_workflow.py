"""A workflow: its own steps, or the standard ones."""

import pytest

import aios


def test_its_steps_are_put_in_order():
    made = aios.Workflow(
        id="w", steps=[aios.step(name="b")(lambda a: a), aios.step(name="a")(lambda: 1)]
    )
    assert list(made.plan.steps) == ["a", "b"]
    assert repr(made) == "<Workflow w: a → b>"


def test_without_steps_it_is_the_standard_pipeline():
    names = list(aios.Workflow(id="w").plan.steps)
    assert names[0] == "prepare"
    assert names[-2:] == ["register", "deploy"]
    assert len(names) == 10


def test_a_name_that_cannot_be_used_is_refused():
    with pytest.raises(aios.InvalidArgumentError, match="workflow id: expected letters"):
        aios.Workflow(id="my workflow", steps=[lambda: 1])
