"""Databases of earlier releases are migrated, those of later ones refused."""

import sqlite3
import threading

import pytest

import aios
from aios.home import schema
from aios.home.sqlite_store import SqliteStore


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
