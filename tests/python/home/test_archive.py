"""A whole home in a file and back, and what is no such file."""

import io
import json
import shutil
import sqlite3
import tarfile
import threading

import numpy as np
import pytest

import aios
from aios.home.archive import backup_to, restore_from
from aios.registry.checkup import check_home
from aios.registry.retention import Retention, prune


def answer(path):
    text = (path / "weights").read_text()

    class Model:
        def perform_inference(self, x, **options):
            return text * x

    return Model()


@pytest.fixture
def home(make_manager, tmp_path):
    """An open manager with a run, a version under an alias, and a training under way."""
    manager = make_manager(loader=answer)
    manager.register_workflow(
        aios.Workflow(id="w", steps=[aios.step(name="double")(lambda data: data * 2)])
    )
    run = manager.execute_workflow("w", np.arange(5))
    run.result(60)
    bundle = tmp_path / "a.cell"
    bundle.mkdir()
    (bundle / "weights").write_text("a")
    manager.registry.register("m", bundle)
    manager.promote("m", 1)
    place = manager.home.checkpoints("other") / "train-x"
    place.mkdir(parents=True)
    (place / "state").write_text("epoch 3")
    return manager, run


@pytest.mark.parametrize("name", ["copy.tar", "copy.tar.gz"])
def test_a_home_comes_back_whole_while_its_manager_goes_on(home, tmp_path, name):
    manager, run = home
    assert backup_to(manager.home.path, tmp_path / name) == tmp_path / name
    manager.close()
    shutil.rmtree(manager.home.path)
    place = restore_from(tmp_path / name, tmp_path / "elsewhere" / "home")
    assert check_home(place).problems == ()
    with aios.AICellManager(place, mode="open", loader=answer) as restored:
        assert restored.run(run.id).output("double").tolist() == [0, 2, 4, 6, 8]
        assert restored.predict("m", 2) == "aa"
        assert (restored.home.checkpoints("other") / "train-x" / "state").read_text() == "epoch 3"
    assert sorted(item.name for item in tmp_path.iterdir() if item.name.startswith(".")) == []


def test_nothing_that_the_database_names_is_removed_before_it_is_in_the_file(
    home, tmp_path, monkeypatch
):
    """Prune waits, however long the copy takes."""
    from aios.home import archive

    manager, run = home
    refused = threading.Event()
    original = archive._kept_files

    def prune_first(place):
        try:
            prune(manager.home, manager._clock, Retention(0, 0), wait_s=0)
        except aios.UnavailableError:
            refused.set()
        return original(place)

    monkeypatch.setattr(archive, "_kept_files", prune_first)
    backup_to(manager.home.path, tmp_path / "copy.tar")
    assert refused.is_set()
    place = restore_from(tmp_path / "copy.tar", tmp_path / "restored")
    with aios.AICellManager(place) as restored:
        assert restored.run(run.id).output("double").tolist() == [0, 2, 4, 6, 8]


def test_a_damaged_database_is_saved_as_far_as_it_can_be_read(home, tmp_path):
    manager, run = home
    manager.close()
    database = manager.home.path / "aios.db"
    with sqlite3.connect(database) as db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("DELETE FROM sqlite_master WHERE name='messages_by_run'")
    db.close()
    content = bytearray(database.read_bytes())
    content[18:20] = b"\x01\x01"
    database.write_bytes(content)
    damaged = check_home(manager.home.path)
    backup_to(manager.home.path, tmp_path / "copy.tar")
    place = restore_from(tmp_path / "copy.tar", tmp_path / "restored")
    assert not damaged.ok
    with aios.AICellManager(place) as restored:
        assert restored.run(run.id).status == "SUCCESS"


def test_neither_a_file_nor_a_home_is_written_over(home, tmp_path):
    manager, _ = home
    (tmp_path / "copy.tar").write_text("mine")
    with pytest.raises(aios.FailedPreconditionError, match="is there already"):
        backup_to(manager.home.path, tmp_path / "copy.tar")
    backup_to(manager.home.path, tmp_path / "other.tar")
    with pytest.raises(aios.FailedPreconditionError, match="has something in it"):
        restore_from(tmp_path / "other.tar", manager.home.path)
    with pytest.raises(aios.NotFoundError, match="no home at"):
        backup_to(tmp_path / "hmoe", tmp_path / "third.tar")
    with pytest.raises(aios.NotFoundError, match="no such file"):
        restore_from(tmp_path / "fourth.tar", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def archive_of(path, members):
    with tarfile.open(path, "w") as archive:
        for member, content in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


HEAD = ("aios-backup.json", b'{"aios_backup": 1}')
LINK = tarfile.TarInfo("objects/ab")
LINK.type, LINK.linkname = tarfile.SYMTYPE, "/etc"


@pytest.mark.parametrize(
    ("members", "kind", "message"),
    [
        ([], aios.InvalidArgumentError, "expected a file that"),
        ([("a.txt", b"x")], aios.InvalidArgumentError, "expected a file that"),
        ([("aios-backup.json", b"x")], aios.InvalidArgumentError, "expected a file that"),
        ([("aios-backup.json", b'{"aios_backup": 9}')], aios.UnsupportedError, "backup format 9"),
        ([HEAD], aios.CorruptHomeError, "ends early"),
        ([HEAD, ("aios-backup-end.json", b'{"files": 1}')], aios.CorruptHomeError, "ends early"),
        ([HEAD, ("aios-backup-end.json", b'{"files": 0}')], aios.CorruptHomeError, "no database"),
        ([HEAD, ("../aios.db", b"x")], aios.InvalidArgumentError, "is no part of a home"),
        ([HEAD, ("/etc/x", b"x")], aios.InvalidArgumentError, "is no part of a home"),
        ([HEAD, ("checkpoints/../../x", b"x")], aios.InvalidArgumentError, "is no part of"),
        ([HEAD, ("home.json", b"x")], aios.InvalidArgumentError, "is no part of a home"),
        ([HEAD, (LINK, b"")], aios.InvalidArgumentError, "is no part of a home"),
        (
            [HEAD, (f"objects/ab/{'ab' * 32}.npy", b"x")],
            aios.CorruptHomeError,
            "expected SHA-256",
        ),
    ],
)
def test_what_is_no_whole_backup_is_refused_and_nothing_is_made(tmp_path, members, kind, message):
    archive_of(tmp_path / "copy.tar", members)
    with pytest.raises(kind, match=message):
        restore_from(tmp_path / "copy.tar", tmp_path / "home")
    assert [item.name for item in tmp_path.iterdir()] == ["copy.tar"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", ["copy.tar", "copy.tar.gz"])
def test_a_file_that_was_cut_off_is_refused(home, tmp_path, name, share):
    manager, _ = home
    backup_to(manager.home.path, tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises((aios.InvalidArgumentError, aios.CorruptHomeError)):
        restore_from(tmp_path / name, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_the_head_of_the_file_says_what_it_is(home, tmp_path):
    manager, _ = home
    with tarfile.open(backup_to(manager.home.path, tmp_path / "copy.tar")) as archive:
        names = archive.getnames()
        assert json.load(archive.extractfile(names[0]))["aios_backup"] == 1
    assert names[:2] == ["aios-backup.json", "aios.db"]
    assert names[-1] == "aios-backup-end.json"
