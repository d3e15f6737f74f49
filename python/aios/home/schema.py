"""The SQLite schema of a home, and how each version becomes the next.

`PRAGMA user_version` holds the version. A migration is a list of statements; all that are due run
in one transaction with the change of version. A database from a later release is refused, not
guessed at.
"""

from __future__ import annotations

import sqlite3
from typing import Final

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE runs(
            id TEXT PRIMARY KEY, workflow TEXT NOT NULL, status TEXT NOT NULL, created REAL NOT
            NULL, finished REAL, data TEXT NOT NULL, data_sha256 TEXT NOT NULL, source TEXT NOT
            NULL, error TEXT, owner TEXT NOT NULL, epoch INTEGER NOT NULL, beat INTEGER NOT NULL,
            expires REAL NOT NULL, domain TEXT NOT NULL, lease_s REAL NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX runs_by_status ON runs(status, workflow, created)",
        """CREATE TABLE steps(
            run_id TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY(run_id, name)) WITHOUT ROWID""",
        """CREATE TABLE messages(
            seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
            version INTEGER NOT NULL, run_id TEXT NOT NULL, created REAL NOT NULL, body TEXT NOT
            NULL)""",
        "CREATE INDEX messages_by_run ON messages(run_id, seq)",
        """CREATE TABLE documents(
            collection TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, value TEXT NOT
            NULL, PRIMARY KEY(collection, key)) WITHOUT ROWID""",
    ),
    ("CREATE INDEX runs_by_created ON runs(created)",),
    (
        "ALTER TABLE runs ADD COLUMN plan TEXT NOT NULL DEFAULT '[]'",
        # Bundles were kept by absolute path, which is wrong once the home has moved.
        """UPDATE documents
            SET value = json_set(value, '$.bundle',
                'bundles/' || json_extract(value, '$.sha256') || '.cell')
            WHERE collection = 'versions' AND CASE WHEN json_valid(value) THEN
                json_extract(value, '$.bundle') LIKE
                '%/bundles/' || json_extract(value, '$.sha256') || '.cell' ELSE 0 END""",
    ),
)

SCHEMA_VERSION: Final = len(MIGRATIONS)


def migrate(db: sqlite3.Connection, target: int = SCHEMA_VERSION) -> None:
    """Bring the schema of `db` to version `target` in one transaction.

    Safe when others do the same.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        for statements in MIGRATIONS[version:target]:
            for statement in statements:
                db.execute(statement)
        if version < target:
            db.execute(f"PRAGMA user_version={target}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
