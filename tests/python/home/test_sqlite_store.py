import pytest
from conformance.store import StoreConformance, message

import aios
from aios.home import sqlite_store
from aios.home.sqlite_store import SqliteStore
from aios.home.store import AddMessage, PutDocument


class TestSqliteStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        store = SqliteStore(tmp_path / "aios.db")
        yield store
        store.close()

    def reopen(self, path):
        return SqliteStore(path, mode="open")


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
