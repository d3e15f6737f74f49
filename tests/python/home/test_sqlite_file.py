"""One connection to a database that other processes use, too."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from conformance.store import message

import aios
from aios.home import sqlite_file
from aios.home.sqlite_store import SqliteStore
from aios.home.store import AddMessage, RunRecord


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
