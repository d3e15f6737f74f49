import os
import sqlite3
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from conformance.store import StoreConformance, message

import aios
from aios.home import schema, sqlite_file, sqlite_store
from aios.home.sqlite_store import SqliteStore
from aios.home.store import AddMessage, PutDocument, RunRecord


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        store = SqliteStore(tmp_path / "aios.db")
        yield store
        store.close()

    def reopen(self, path):
        return SqliteStore(path, mode="open")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "aios.db"


def test_durable_commits_are_full_and_others_normal(path, monkeypatch):
    store = SqliteStore(path)
    modes = []
    original = sqlite_store._apply

    def spy(db, change, run_id):
        modes.append(db.execute("PRAGMA synchronous").fetchone()[0])
        original(db, change, run_id)

    monkeypatch.setattr(sqlite_store, "_apply", spy)
    store.commit([AddMessage(message("a"))])
    store.commit([AddMessage(message("b"))], durable=True)
    store.commit([AddMessage(message("c"))])
    store.close()
    assert modes == [1, 2, 1]


def test_the_database_is_in_wal_mode(path):
    SqliteStore(path).close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_writer_waits_for_another_process_instead_of_failing(path, monkeypatch):
    store = SqliteStore(path)
    code = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.readline();"
        " db.execute('COMMIT')"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert other.stdout.readline() == b"held\n"
    waits = threading.Event()

    def pause(seconds):
        waits.set()
        time.sleep(seconds)

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=pause)
    monkeypatch.setattr(sqlite_file, "time", clock)
    writer = threading.Thread(target=store.commit, args=([AddMessage(message("a"))],))
    writer.start()
    assert waits.wait(60)
    assert store.messages() == []
    other.communicate(b"go on\n")
    assert other.returncode == 0
    writer.join()
    assert [item.id for item in store.messages()] == ["a"]
    store.close()


def test_a_home_kept_busy_for_too_long_is_unavailable(path):
    store = SqliteStore(path, busy_s=0.1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(aios.UnavailableError, match=r"busy for 0\.1 s; stop that process"):
        store.commit([AddMessage(message("a"))])
    holder.close()
    store.commit([AddMessage(message("a"))])
    store.close()


def test_an_old_database_is_migrated_with_its_rows(path):
    with sqlite3.connect(path) as db:
        schema.migrate(db, target=1)
        db.execute("INSERT INTO documents VALUES ('d', 'k', 1, '{\"v\": 1}')")
    db.close()
    store = SqliteStore(path)
    assert store.documents("d")[0].value == {"v": 1}
    store.close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone()[0] == schema.SCHEMA_VERSION
    names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='index'")}
    assert "runs_by_created" in names
    db.close()


def test_many_openers_migrate_once(path):
    stores, errors = [], []

    def open_it():
        try:
            stores.append(SqliteStore(path))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert errors == []


def test_a_database_from_a_later_release_is_refused(path):
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(aios.UnsupportedError, match="schema version 99, this release knows up to"):
        SqliteStore(path)


def test_a_full_database_is_overloaded_and_intact(path):
    store = SqliteStore(path)
    store.commit([PutDocument("d", "small", {"v": 1})])
    pages = store.limit_pages(1)
    with pytest.raises(
        aios.OverloadedError, match="no space left.*nothing was changed; free space"
    ):
        store.commit([PutDocument("d", "big", {"v": "x" * 500_000})])
    assert [item.key for item in store.documents("d")] == ["small"]
    store.limit_pages(pages + 10_000)
    store.commit([PutDocument("d", "big", {"v": "x" * 500_000})])
    assert store.problems() == []
    store.close()


def test_use_after_close_is_refused(path):
    store = SqliteStore(path)
    store.close()
    store.close()
    with pytest.raises(aios.FailedPreconditionError, match="closed"):
        store.runs()
    with pytest.raises(aios.FailedPreconditionError, match="closed"):
        store.create_run(RunRecord("r", "w", "RUNNING", 0.0, {}))


def test_use_in_a_fork_is_refused(path):
    store = SqliteStore(path)
    pid = os.fork()
    if pid == 0:
        try:
            store.runs()
        except aios.FailedPreconditionError as error:
            os._exit(0 if "fork" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    store.close()
