"""The part of `aios doctor` about the manager's home."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

HomeReport = dict[str, Any]


def home_report(path: Path, *, backup: bool) -> HomeReport:
    """Where the home is, whether it can be written, and what is wrong with it."""
    place = path.expanduser().absolute()
    above = place
    while not above.exists():
        above = above.parent
    writable = above.is_dir() and os.access(above, os.W_OK | os.X_OK)
    remedy = None
    if not above.is_dir():
        remedy = f"'{above}' is a file: move it away, or set AIOS_HOME to a directory"
    elif not writable:
        remedy = f"'{above}' can't be written to: set AIOS_HOME to a directory of yours"
    report: HomeReport = {
        "path": str(place),
        "exists": place.exists(),
        "writable": writable,
        "remedy": remedy,
    }
    if not place.is_dir():
        return report
    from aios.workflow.checkup import check_home

    found = check_home(place, backup=backup)
    if not found.exists:
        return report
    return report | {
        "problems": list(found.problems),
        "runs": found.runs,
        "unfinished": found.unfinished,
        "versions": found.versions,
        "bytes": found.bytes,
        "free_bytes": found.free_bytes,
        "backup": found.backup or None,
        "remedy": remedy or found.remedy or None,
    }


def home_text(report: HomeReport) -> str:
    """The home in words: where it is, each problem on a line of its own, and what to do."""
    lines = [report["path"] + ("" if report["exists"] else " (not yet made)")]
    lines += [f"  problem: {problem}" for problem in report.get("problems", ())]
    if report["remedy"]:
        lines.append(f"  remedy: {report['remedy']}")
    if report.get("backup"):
        lines.append(f"  backup: {report['backup']}")
    return "\n".join(lines)
