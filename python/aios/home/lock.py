"""One lock of a home: who removes from it holds it alone, who copies it shares it.

It is the kernel's, on `HOME/prune.lock`, so it ends with the process that holds it. Runs never wait
for it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aios.errors import UnavailableError

_PAUSE_S: Final = 0.02


@contextmanager
def home_lock(home: Path, *, shared: bool = False, wait_s: float = 60.0) -> Iterator[None]:
    """Hold the lock in the block.

    Raises:
        UnavailableError: another process has held it for `wait_s`.
        OSError: the lock's file can't be made.
    """
    descriptor = os.open(home / "prune.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _acquire(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, home, wait_s)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, kind: int, home: Path, wait_s: float) -> None:
    give_up = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= give_up:
                raise UnavailableError(
                    f"{home}: another process prunes or copies this home; try again later"
                ) from None
        time.sleep(_PAUSE_S)
