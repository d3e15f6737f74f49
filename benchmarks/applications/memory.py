"""Memory of a process and all that it started."""

from __future__ import annotations

from pathlib import Path


def resident_bytes(root: int) -> int:
    """Of a process and its descendants, now; a page that several hold counts once among them."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (parent := _parent(folder)) is not None:
            children.setdefault(parent, []).append(int(folder.name))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        total += _resident(process)
        waiting += children.get(process, ())
    return total


def _parent(folder: Path) -> int | None:
    try:
        # The name in brackets may hold spaces.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):  # it has just ended
        return None


def _resident(process: int) -> int:
    """The proportional set size, see proc_pid_smaps_rollup(5)."""
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):  # it has just ended
        pass
    return 0
