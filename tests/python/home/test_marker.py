"""What is a home, what isn't, and what was one: nothing is made or lost by looking."""

import json
import shutil
import sqlite3

import pytest

import aios
from aios.home import schema
from aios.home.marker import MARKER
from aios.registry.checkup import check_home


def one():
    return 1


@pytest.fixture
def home(tmp_path):
    """A closed home with one run, one object and one registered version."""
    bundle = tmp_path / "a.cell"
    bundle.mkdir()
    (bundle / "weights").write_text("a")
    with aios.AICellManager(tmp_path / "home") as manager:
        manager.register_workflow(aios.Workflow(id="w", steps=[one]))
        manager.execute_workflow("w", b"data").result(60)
        manager.registry.register("m", bundle)
        manager.promote("m", 1)
    return tmp_path / "home"


def content(folder):
    """Every file below a folder, with what is in it and when it was written."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("mode", ["open", "read"])
def test_a_mistyped_home_is_refused_and_not_made(tmp_path, mode):
    with pytest.raises(aios.NotFoundError, match="no home at .*hmoe.*check --home"):
        aios.AICellManager(tmp_path / "hmoe", mode=mode)
    (tmp_path / "folder").mkdir()
    with pytest.raises(aios.NotFoundError, match="no home at"):
        aios.AICellManager(tmp_path / "folder", mode=mode)
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.parametrize("mode", ["create", "open", "read"])
@pytest.mark.parametrize(
    ("harm", "marked"),
    [
        *(("emptied", True), ("emptied", False), ("gone", True), ("gone", False)),
        ("without tables", True),
    ],
)
def test_an_emptied_database_is_refused_and_left_alone(home, mode, harm, marked):
    database = home / "aios.db"
    if harm == "gone":
        database.unlink()
    else:
        database.write_bytes(b"")
    if harm == "without tables":
        with sqlite3.connect(database) as db:
            db.execute("VACUUM")
        db.close()
    if not marked:
        (home / MARKER).unlink()
    before = content(home)
    with pytest.raises(aios.CorruptHomeError, match=r"restore a copy from (its )?backups/"):
        aios.AICellManager(home, mode=mode)
    assert content(home) == before
    report = check_home(home)
    assert (report.exists, report.ok) == (True, False)


def test_a_home_of_an_earlier_release_opens_and_is_marked(home):
    (home / MARKER).unlink()
    with aios.AICellManager(home, mode="open") as manager:
        assert len(manager.runs()) == 1
    assert json.loads((home / MARKER).read_text())["aios_home"] == 1


def test_reading_a_home_changes_nothing_in_it(home):
    (home / "tmp" / "1.999999999-left-by-a-dead-process").write_text("half")
    before = content(home)
    with aios.AICellManager(home, mode="read") as manager:
        (run,) = manager.runs()
        assert run.report().status == "SUCCESS"
        assert manager.registry.resolve("m").version == 1
        with pytest.raises(aios.FailedPreconditionError, match="opened to be read"):
            manager.promote("m", 1)
        with pytest.raises(aios.FailedPreconditionError, match="opened to read; workflows need"):
            manager.register_workflow(aios.Workflow(id="w", steps=[one]))
    assert check_home(home).ok
    assert content(home) == before


def test_a_home_of_an_old_schema_is_checked_as_it_is(home):
    with sqlite3.connect(home / "aios.db") as db:
        db.execute("ALTER TABLE runs DROP COLUMN plan")
        db.execute("PRAGMA user_version=2")
        db.execute("PRAGMA journal_mode=DELETE")
    db.close()
    before = content(home)
    report = check_home(home)
    assert (report.ok, report.runs, report.versions) == (True, 1, 1)
    assert content(home) == before


def test_what_a_killed_process_left_in_the_wal_is_read_without_touching_it(home, tmp_path):
    with aios.AICellManager(home) as manager:
        manager.publish(aios.ModelTrained(seconds=5.0), durable=True)
        killed = tmp_path / "killed"
        shutil.copytree(home, killed)
    (killed / "aios.db-shm").unlink()
    assert (killed / "aios.db-wal").stat().st_size > 0
    before = content(killed)
    with aios.AICellManager(killed, mode="read") as manager:
        seconds = [
            item.body["seconds"] for item in manager.home.store.messages(types=["ModelTrained"])
        ]
    assert seconds == [5.0]
    assert content(killed) == before


def test_a_home_in_use_is_read_as_it_stands(home):
    with aios.AICellManager(home) as writer:
        writer.register_workflow(aios.Workflow(id="w", steps=[one]))
        writer.execute_workflow("w").result(60)
        with aios.AICellManager(home, mode="read") as reader:
            assert len(reader.runs()) == 2


def answer(path):
    """A loader that reads the bundle where it says that it is."""
    text = (path / "weights").read_text()

    class Model:
        def perform_inference(self, x, **options):
            return text * x

    return Model()


def test_a_home_that_was_moved_serves_and_is_whole(home, tmp_path):
    moved = home.rename(tmp_path / "elsewhere")
    with aios.AICellManager(moved, loader=answer) as manager:
        assert manager.predict("m", 3) == "aaa"
        assert manager.registry.version("m", 1).bundle.startswith(str(moved))
        (stored,) = manager.home.store.documents("versions")
        assert stored.value["bundle"] == f"bundles/{stored.value['sha256']}.cell"
    assert check_home(moved).problems == ()


@pytest.mark.parametrize("migrated", [True, False])
def test_absolute_paths_of_earlier_releases_are_migrated(home, tmp_path, migrated):
    with sqlite3.connect(home / "aios.db") as db:
        db.execute(
            "UPDATE documents SET value = json_set(value, '$.bundle', ? || '/bundles/' ||"
            " json_extract(value, '$.sha256') || '.cell') WHERE collection='versions'",
            (str(home),),
        )
        if migrated:
            db.execute("INSERT INTO documents VALUES ('versions', 'x/1', 1, 'no JSON')")
            db.execute("ALTER TABLE runs DROP COLUMN plan")
            db.execute("PRAGMA user_version=2")
    db.close()
    moved = home.rename(tmp_path / "elsewhere")
    with aios.AICellManager(moved, loader=answer) as manager:
        if migrated:
            manager.home.store.commit([aios.home.store.PutDocument("versions", "x/1", None)])
            (stored,) = manager.home.store.documents("versions", "m/")
            assert stored.value["bundle"] == f"bundles/{stored.value['sha256']}.cell"
        assert manager.predict("m", 2) == "aa"
    assert schema.SCHEMA_VERSION == 3
