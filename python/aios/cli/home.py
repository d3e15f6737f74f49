"""The part of `aios doctor` about the manager's home: how it is, its backup and its restoration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from rich.text import Text
from typer.core import TyperCommand

from aios.cli.output import talk

HomeReport = dict[str, Any]
_DATABASE_ONLY = Path()


class OptionalBackupFile(TyperCommand):
    """Lets `--backup` stand alone, for the database only, or name a file, for the whole home."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give `--backup` an empty value where none follows."""
        given = list(args)
        for place, item in enumerate(args):
            if item == "--backup" and (args[place + 1 : place + 2] or ["-"])[0].startswith("-"):
                given[place] = "--backup="
        return super().parse_args(ctx, given)


def restore(file: Path, home: Path) -> None:
    """Make the home anew from a backup."""
    from aios.home.archive import restore_from

    place = restore_from(file, home)
    talk.print(Text(f"restored {place}"), soft_wrap=True)


def home_report(path: Path, *, backup: Path | None) -> HomeReport:
    """Where the home is, whether it can be written, and what is wrong with it.

    Args:
        path: the home.
        backup: None; or the empty path, for a copy of the database in it; or a file for all of it.
    """
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
    from aios.home.archive import backup_to
    from aios.registry.checkup import check_home

    file = None if backup == _DATABASE_ONLY else backup
    saved = "" if file is None else str(backup_to(place, file))
    found = check_home(place, backup=backup == _DATABASE_ONLY)
    if not found.exists:
        return report
    return report | {
        "problems": list(found.problems),
        "runs": found.runs,
        "unfinished": found.unfinished,
        "versions": found.versions,
        "bytes": found.bytes,
        "free_bytes": found.free_bytes,
        "backup": saved or found.backup or None,
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
