"""A database is read as it stands, and nothing near it changes."""

import shutil

import pytest
from workflow_doubles import files_in, one

import aios
from aios.registry.checkup import check_home


def test_reading_a_home_changes_nothing_in_it(used_home):
    (used_home / "tmp" / "1.999999999-left-by-a-dead-process").write_text("half")
    before = files_in(used_home)
    with aios.AICellManager(used_home, mode="read") as manager:
        (run,) = manager.runs()
        assert run.report().status == "SUCCESS"
        assert manager.registry.resolve("m").version == 1
        with pytest.raises(aios.FailedPreconditionError, match="opened to be read"):
            manager.promote("m", 1)
        with pytest.raises(aios.FailedPreconditionError, match="opened to read; workflows need"):
            manager.register_workflow(aios.Workflow(id="w", steps=[one]))
    assert check_home(used_home).ok
    assert files_in(used_home) == before


def test_what_a_killed_process_left_in_the_wal_is_read_without_touching_it(used_home, tmp_path):
    with aios.AICellManager(used_home) as manager:
        manager.publish(aios.ModelTrained(seconds=5.0), durable=True)
        killed = tmp_path / "killed"
        shutil.copytree(used_home, killed)
    (killed / "aios.db-shm").unlink()
    assert (killed / "aios.db-wal").stat().st_size > 0
    before = files_in(killed)
    with aios.AICellManager(killed, mode="read") as manager:
        seconds = [
            item.body["seconds"] for item in manager.home.store.messages(types=["ModelTrained"])
        ]
    assert seconds == [5.0]
    assert files_in(killed) == before


def test_a_home_in_use_is_read_as_it_stands(used_home):
    with aios.AICellManager(used_home) as writer:
        writer.register_workflow(aios.Workflow(id="w", steps=[one]))
        writer.execute_workflow("w").result(60)
        with aios.AICellManager(used_home, mode="read") as reader:
            assert len(reader.runs()) == 2
