"""What is a home, what isn't, and what was one: nothing is made or lost by looking."""

import json
import sqlite3

import pytest
from workflow_doubles import files_in

import aios
from aios.home import schema
from aios.home.marker import MARKER
from aios.registry.checkup import check_home


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
def test_an_emptied_database_is_refused_and_left_alone(used_home, mode, harm, marked):
    database = used_home / "aios.db"
    if harm == "gone":
        database.unlink()
    else:
        database.write_bytes(b"")
    if harm == "without tables":
        with sqlite3.connect(database) as db:
            db.execute("VACUUM")
        db.close()
    if not marked:
        (used_home / MARKER).unlink()
    before = files_in(used_home)
    with pytest.raises(aios.CorruptHomeError, match=r"restore a copy from (its )?backups/"):
        aios.AICellManager(used_home, mode=mode)
    assert files_in(used_home) == before
    report = check_home(used_home)
    assert (report.exists, report.ok) == (True, False)


def test_a_home_of_an_earlier_release_opens_and_is_marked(used_home):
    (used_home / MARKER).unlink()
    with aios.AICellManager(used_home, mode="open") as manager:
        assert len(manager.runs()) == 1
    assert json.loads((used_home / MARKER).read_text())["aios_home"] == 1


def test_a_home_of_an_old_schema_is_checked_as_it_is(used_home):
    with sqlite3.connect(used_home / "aios.db") as db:
        db.execute("ALTER TABLE runs DROP COLUMN plan")
        db.execute("PRAGMA user_version=2")
        db.execute("PRAGMA journal_mode=DELETE")
    db.close()
    before = files_in(used_home)
    report = check_home(used_home)
    assert (report.ok, report.runs, report.versions) == (True, 1, 1)
    assert files_in(used_home) == before


def answer(path):
    """A loader that reads the bundle where it says that it is."""
    text = (path / "weights").read_text()

    class Model:
        def perform_inference(self, x, **options):
            return text * x

    return Model()


def test_a_home_that_was_moved_serves_and_is_whole(used_home, tmp_path):
    moved = used_home.rename(tmp_path / "elsewhere")
    with aios.AICellManager(moved, loader=answer) as manager:
        assert manager.predict("m", 3) == "aaa"
        assert manager.registry.version("m", 1).bundle.startswith(str(moved))
        (stored,) = manager.home.store.documents("versions")
        assert stored.value["bundle"] == f"bundles/{stored.value['sha256']}.cell"
    assert check_home(moved).problems == ()


@pytest.mark.parametrize("migrated", [True, False])
def test_absolute_paths_of_earlier_releases_are_migrated(used_home, tmp_path, migrated):
    with sqlite3.connect(used_home / "aios.db") as db:
        db.execute(
            "UPDATE documents SET value = json_set(value, '$.bundle', ? || '/bundles/' ||"
            " json_extract(value, '$.sha256') || '.cell') WHERE collection='versions'",
            (str(used_home),),
        )
        if migrated:
            db.execute("INSERT INTO documents VALUES ('versions', 'x/1', 1, 'no JSON')")
            db.execute("ALTER TABLE runs DROP COLUMN plan")
            db.execute("PRAGMA user_version=2")
    db.close()
    moved = used_home.rename(tmp_path / "elsewhere")
    with aios.AICellManager(moved, loader=answer) as manager:
        if migrated:
            manager.home.store.commit([aios.home.store.PutDocument("versions", "x/1", None)])
            (stored,) = manager.home.store.documents("versions", "m/")
            assert stored.value["bundle"] == f"bundles/{stored.value['sha256']}.cell"
        assert manager.predict("m", 2) == "aa"
    assert schema.SCHEMA_VERSION == 3
