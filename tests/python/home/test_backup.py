"""Copies of a home's database, whole or as far as it can be read."""

import shutil
import sqlite3

from workflow_doubles import damage

import aios
from aios.home.backup import backup_home


def test_a_backup_can_be_put_back(closed_home):
    home, run_id = closed_home
    copy = backup_home(home)
    damage(home / "aios.db")
    shutil.copy(copy, home / "aios.db")
    with aios.AICellManager(home) as manager:
        assert [item.id for item in manager.runs()] == [run_id]


def test_a_backup_of_a_damaged_home_keeps_it_and_saves_what_can_be_read(closed_home):
    home, _ = closed_home
    db = sqlite3.connect(home / "aios.db")
    with db:
        db.executemany(
            "INSERT INTO documents VALUES ('d', ?, 1, ?)",
            [(f"key{number:05}", '{"text": "' + "x" * 500 + '"}') for number in range(2000)],
        )
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    path = home / "aios.db"
    content = bytearray(path.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    copy = backup_home(home)
    damaged = next((home / "backups").glob("damaged-*.db"))
    assert damaged.read_bytes() == bytes(content)
    with sqlite3.connect(copy) as db:
        saved = db.execute("SELECT COUNT(*) FROM documents").fetchone()[0]
        assert db.execute("SELECT COUNT(*) FROM runs").fetchone()[0] == 1
    db.close()
    assert 100 < saved < 2000
