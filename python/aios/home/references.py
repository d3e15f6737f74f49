"""What a home's records name: contents that must stay."""

from __future__ import annotations

import json
from typing import Any

from aios.home.garbage import Named, Trees, hashes
from aios.home.home import Home


def named(home: Home) -> Named:
    """Every object and bundle that a run, a version or another document names now.

    A bundle whose versions were all deleted stays only while a run that goes on may register it.
    """
    going_on: set[str] = set()
    over: set[str] = set()
    registered: set[str] = set()
    deleted: set[str] = set()
    with home.store.references() as references:
        for owner, status, text in references:
            if owner == "versions":
                version = _document(text)
                if version.get("deleted"):
                    deleted.add(str(version.get("sha256")))
                    continue
                registered |= hashes(text)
            (going_on if status == "RUNNING" else over).update(hashes(text))
    trees = Trees(home)
    going_on, over = trees.with_all_under(going_on), trees.with_all_under(over)
    return Named(going_on | over, going_on | registered | (over - (deleted - registered)))


def _document(text: str) -> dict[str, Any]:
    """Empty where it is damaged: then everything that it names stays."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
