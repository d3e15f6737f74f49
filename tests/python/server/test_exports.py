"""SavedModels are exported beside what answers; here by a child that copies a bundle."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from aios.server import exports
from aios.server.exports import BackgroundExports, digest_of
from aios.server.folder import VersionKey, scan
from aios.server.wanted import Wanted

KEY = VersionKey("m", 1)
DEADLINE_S = 60
COPIES = (
    "import json, shutil, sys; shutil.copytree(*sys.argv[1:]); print(json.dumps({'reason': ''}))"
)


@pytest.fixture
def folder(tmp_path):
    """A folder with something that looks like a SavedModel."""
    model = tmp_path / "models" / "m" / "1"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"graph")
    return tmp_path / "models"


@pytest.fixture
def exporter(trial, tmp_path):
    """Makes one that runs some code in place of an export; all are closed after the test."""
    made = []

    def make(code=COPIES):
        def command(_source, target):
            return [sys.executable, "-c", code, str(trial), str(target)]

        made.append(BackgroundExports(tmp_path / "cache", command))
        return made[-1]

    yield make
    for each in made:
        each.close()


def _look(exporter, folder):
    return exporter.applied(Wanted(scan(folder)))


def _settled(exporter, folder, key=KEY):
    """What is wanted once nothing is being exported any more."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        told = _look(exporter, folder)
        if "being exported" not in told.notes.get(key, ""):
            return told
    raise AssertionError("it is still being exported")


def test_a_saved_model_is_wanted_as_it_is_until_its_bundle_is_there(exporter, folder, tmp_path):
    exports_of = exporter()
    told = _look(exports_of, folder)
    assert not told.versions[KEY].is_proven
    assert told.notes == {KEY: "unproven: it is being exported"}
    told = _settled(exports_of, folder)
    assert told.versions[KEY].is_proven
    assert told.versions[KEY].path.parent == tmp_path / "cache"
    assert told.notes == {}


def test_a_bundle_that_was_made_is_found_again_and_a_damaged_one_made_anew(exporter, folder):
    bundle = _settled(exporter(), folder).versions[KEY].path
    assert _settled(exporter("raise SystemExit(3)"), folder).versions[KEY].path == bundle
    (bundle / "golden.safetensors").write_bytes(b"x")
    assert not _settled(exporter("raise SystemExit(3)"), folder).versions[KEY].is_proven
    assert _settled(exporter(), folder).versions[KEY].path == bundle


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('print(\'{"reason": "no operator X"}\')', "it can't be exported: no operator X"),
        ("raise SystemExit(3)", "the process that exports it ended with 3"),
        ("import os; os.kill(os.getpid(), 9)", "it was ended by SIGKILL"),
    ],
)
def test_one_that_can_not_be_exported_says_why(exporter, folder, code, words):
    told = _settled(exporter(code), folder)
    assert not told.versions[KEY].is_proven
    assert words.removeprefix("it ") in told.notes[KEY]
    assert told.notes[KEY].startswith("unproven: ")


def test_one_that_failed_is_tried_again_when_one_of_its_files_came(exporter, folder):
    data = folder / "m" / "1" / "variables" / "data"
    fails_once = f"import os\nif not os.path.exists({str(data)!r}): raise SystemExit(3)\n{COPIES}"
    exports_of = exporter(fails_once)
    assert not _settled(exports_of, folder).versions[KEY].is_proven
    data.touch()
    assert _settled(exports_of, folder).versions[KEY].is_proven


def test_a_cache_that_others_may_write_is_not_loaded_from(exporter, folder, tmp_path):
    _settled(exporter(), folder)
    (tmp_path / "cache").chmod(0o777)
    told = _settled(exporter(), folder)
    assert "can be written by other users" in told.notes[KEY]
    assert told.versions[KEY].path == folder / "m" / "1"


def test_closing_ends_what_is_being_made(exporter, folder, tmp_path):
    exports_of = exporter(
        f"import pathlib, time; pathlib.Path({str(tmp_path / 'up')!r}).touch(); time.sleep(600)"
    )
    deadline = time.monotonic() + DEADLINE_S
    while not (tmp_path / "up").exists() and time.monotonic() < deadline:
        _look(exports_of, folder)
    exports_of.close()
    assert not list((tmp_path / "cache").glob("*.cell"))


def test_the_same_content_has_one_digest_wherever_it_is(folder):
    copy = shutil.copytree(folder / "m" / "1", folder / "m" / "2")
    assert digest_of(copy) == digest_of(folder / "m" / "1")
    (copy / "variables" / "data").write_bytes(b"1")
    assert digest_of(copy) != digest_of(folder / "m" / "1")


def test_the_cache_is_the_users(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert exports.cache_folder() == Path("/somewhere/aios/exports")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert exports.cache_folder() == Path("~/.cache/aios/exports").expanduser()


def test_the_command_runs_the_child():
    command = exports.command(Path("in"), Path("out"))
    assert command[0] == sys.executable
    assert "aios.server.export_child" in command[3]
    assert command[-2:] == ["in", "out"]
    assert os.path.basename(command[0]).startswith("python")


def test_names_of_files_need_not_be_text(exporter, folder):
    with open(os.fsencode(folder) + b"/m/1/caf\xe9", "wb"):
        pass
    assert _settled(exporter(), folder).versions[KEY].is_proven


def test_a_bug_in_one_export_ends_no_other(folder, tmp_path):
    def command(source, target):
        if source.name == "1":
            raise ZeroDivisionError("oops")
        return [sys.executable, "-c", "raise SystemExit(3)"]

    shutil.copytree(folder / "m" / "1", folder / "n" / "2")
    (folder / "n" / "2" / "more").touch()
    exports_of = BackgroundExports(tmp_path / "cache", command)
    assert "can't be exported: ZeroDivisionError: oops" in _settled(exports_of, folder).notes[KEY]
    told = _settled(exports_of, folder, VersionKey("n", 2)).notes[VersionKey("n", 2)]
    exports_of.close()
    assert "ended with 3" in told
