"""A row that was damaged: a typed error that names it, and nothing else stops."""

import sqlite3

import pytest
from workflow_doubles import wait_until

import aios
from aios.registry.checkup import check_home


def count(data):
    return [data, 2]


@pytest.fixture
def damaged(manager):
    """Runs a statement against the database of a home with one finished run; returns the run."""

    def damage(*statements):
        manager.register_workflow(aios.Workflow(id="w", steps=[count]))
        run = manager.execute_workflow("w", 1)
        run.result(60)
        manager.schedule("w", every_s=3600)
        with sqlite3.connect(manager.home.path / "aios.db") as db:
            for statement in statements:
                assert db.execute(statement).rowcount > 0, statement
        db.close()
        return run

    return damage


RUNS = "UPDATE runs SET {}"
STEPS = "UPDATE steps SET body = {}"


@pytest.mark.parametrize(
    "change",
    [
        "data = '{\"sha256\": '",
        "data = '[1]'",
        "data = x'ff00'",
        "error = 'null and void', status = 'FAILED'",
        "status = 'HALF'",
        "created = 'yesterday'",
        "finished = 'soon'",
        "plan = '{'",
        "epoch = 'x'",
        "expires = 'x'",
        "owner = x'00'",
    ],
)
def test_a_damaged_run_is_named(manager, damaged, change):
    run = damaged(RUNS.format(change))
    with pytest.raises(aios.CorruptHomeError, match=f"run '{run.id}': its row .* is damaged"):
        manager.runs()
    with pytest.raises(aios.CorruptHomeError, match="is damaged"):
        _ = run.status
    (problem,) = check_home(manager.home.path).problems
    assert run.id in problem


@pytest.mark.parametrize(
    "body",
    [
        "'{'",
        "'[]'",
        "json_set(body, '$.status', 'HALF')",
        "json_set(body, '$.attempt', 'one')",
        "json_set(body, '$.output', 'text')",
        "json_set(body, '$.name', 'other')",
        "json_remove(body, '$.status')",
    ],
)
def test_a_damaged_step_is_named(manager, damaged, body):
    run = damaged(STEPS.format(body))
    with pytest.raises(aios.CorruptHomeError, match=f"step 'count' of run '{run.id}'.*damaged"):
        _ = run.steps
    assert "step 'count'" in check_home(manager.home.path).problems[0]


@pytest.mark.parametrize(
    "output",
    [
        "json('{\"inline\": 5}')",
        'json(\'{"sha256": "x", "file": 5}\')',
        'json(\'{"sha256": "x", "inline": {"$array": 5}}\')',
        'json(\'{"sha256": "x", "inline": {"$class": "Ghost", "fields": {}}}\')',
    ],
)
def test_a_damaged_result_is_typed(damaged, output):
    run = damaged(STEPS.format(f"json_set(body, '$.output', {output})"))
    with pytest.raises(aios.CorruptHomeError):
        run.output("count")


def test_a_damaged_message_keeps_no_reader_from_the_next(manager, damaged):
    seen = []
    manager.subscribe(aios.ModelDeployed, seen.append)
    run = damaged("UPDATE messages SET body = '{' WHERE type = 'StepStarted'")
    kinds = [type(item).__name__ for item in run.events()]
    assert kinds == ["RunStarted", "Message", "StepFinished", "RunFinished"]
    manager.publish(aios.ModelDeployed(name="m"), durable=True)
    wait_until(lambda: seen)
    assert "message" in check_home(manager.home.path).problems[0]


def test_a_damaged_run_keeps_no_other_from_being_taken_over(make_manager):
    first = make_manager()
    for name in ("a", "b"):
        first.home.store.create_run(
            aios.home.store.RunRecord(name, "w", "RUNNING", 0.0, {"sha256": "x", "inline": 1}, "x")
        )
    with sqlite3.connect(first.home.path / "aios.db") as db:
        db.execute("UPDATE runs SET data = '{' WHERE id = 'a'")
    db.close()
    first.register_workflow(aios.Workflow(id="w", steps=[count]))
    wait_until(lambda: first.run("b").status == "SUCCESS")


def test_damaged_documents_are_named(manager, damaged, tmp_path):
    bundle = tmp_path / "a.cell"
    bundle.mkdir()
    (bundle / "weights").write_text("a")
    manager.registry.register("m", bundle)
    manager.promote("m", 1)
    damaged("UPDATE documents SET value = json_remove(value, '$.due') WHERE collection='schedules'")
    with pytest.raises(aios.CorruptHomeError, match="schedule 'w' is damaged"):
        manager.schedules()
    damaged("UPDATE documents SET value = '{}' WHERE collection='aliases'")
    with pytest.raises(aios.CorruptHomeError, match="alias 'm/champion' is damaged"):
        manager.predict("m", 1)
    assert manager.registry.remove_alias("m", "champion")
    damaged("UPDATE documents SET value = '{}' WHERE collection='versions'")
    with pytest.raises(aios.CorruptHomeError, match="a version's document is damaged"):
        manager.registry.versions()
    damaged("UPDATE documents SET value = '[' WHERE collection='versions'")
    with pytest.raises(aios.CorruptHomeError, match="versions 'm/00000001'.* is damaged"):
        manager.registry.versions()
