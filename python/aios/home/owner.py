"""Who holds a lease: a name by which another process can tell that the holder is gone.

An owner is `boot id/pid namespace/pid/start time/nonce`. A process with the same boot and pid
namespace may look the pid up: if it isn't there, is a zombie, or started at another time, the owner
is gone and nobody needs to wait for its lease. In every other case the owner is taken to live.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from aios.home.clock import boot_id


def new_owner() -> str:
    """Name this process (and one manager in it)."""
    pid = os.getpid()
    return "/".join(
        (boot_id(), _pid_namespace(), str(pid), _start_time(pid) or "", secrets.token_hex(4))
    )


def is_gone(owner: str) -> bool:
    """True only when `owner`'s process surely doesn't run any more."""
    parts = owner.split("/")
    if len(parts) != 5:
        return False
    boot, namespace, pid, started, _ = parts
    if not boot or boot != boot_id() or not namespace or namespace != _pid_namespace():
        return False
    if not pid.isdigit() or not started:
        return False
    return _start_time(int(pid)) != started


def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _start_time(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat (proc(5)); None when the process is absent or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]
