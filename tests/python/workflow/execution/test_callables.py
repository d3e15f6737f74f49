"""How a function gets to a child process: by name where it can be imported, else by value."""

import pytest
from workflow_doubles import run_one

import aios
from aios.workflow.execution.callables import describe, resolve


def test_a_lambda_and_a_closure_travel_by_value(manager):
    factor = 7
    run = run_one(manager, lambda data: data * factor, 6)
    run.result(60)
    assert run.output("step") == 42


def test_an_importable_function_travels_by_name():
    import json

    assert describe(json.dumps) == {"name": "json:dumps"}
    assert resolve({"name": "json:dumps"}) is json.dumps
    assert "pickle" in describe(lambda: 1)
    assert resolve(describe(lambda: 41))() == 41


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "no_such_module_here:build",
            "can't be imported: No module named.*PYTHONPATH.*then resume",
        ),
        ("json:no_such_function", "json has no 'no_such_function'; register the workflow again"),
    ],
)
def test_a_builder_that_is_gone_says_what_to_do(name, message):
    with pytest.raises(aios.NotFoundError, match=message):
        resolve({"name": name})


def test_a_builder_name_of_another_form_is_refused():
    with pytest.raises(aios.InvalidArgumentError, match="expected a function or 'module:function'"):
        describe("models.build")


def test_a_builder_gone_at_resume_fails_typed_and_goes_on_when_it_is_back(
    make_manager, tmp_path, monkeypatch
):
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def use(data, builder):
        from aios.workflow.execution.callables import resolve

        return resolve({"name": builder})()

    step = aios.step(isolated=True, constants={"builder": "late_module:build"})(use)
    manager = make_manager()
    manager.register_workflow(aios.Workflow(id="w", steps=[step]))
    run = manager.execute_workflow("w")
    with pytest.raises(aios.WorkflowFailedError, match="'late_module:build' can't be imported"):
        run.result(60)
    assert run.steps[0].error["type"] == "NotFoundError"
    (folder / "late_module.py").write_text("def build():\n    return 'built'\n")
    assert manager.resume(run.id).result(60).status == "SUCCESS"
    assert run.output("use") == "built"
