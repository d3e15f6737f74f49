"""The parent of a step's process: kills its whole group when the manager is gone.

Run as a script by path, with the standard library only, so that it starts in milliseconds.
Arguments: the life pipe, the event pipe, the job pipe, then the command. The manager holds the
other end of the life pipe and never writes: when it closes it, or dies in any way, the guard reads
the end of the file and kills the process group of the command, with everything the command
started. The command's end is told on the event pipe.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys


def main() -> int:
    """Start the command and wait for its end, or for the manager's."""
    life, events = int(sys.argv[1]), int(sys.argv[2])
    inherited = [int(text) for text in sys.argv[3].split(",")]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: os.close(life))
    child = subprocess.Popen(sys.argv[4:], pass_fds=(*inherited, events), start_new_session=True)
    for descriptor in inherited:
        os.close(descriptor)
    tell(events, {"event": "started", "pid": child.pid})
    wait_for_either(child.pid, life)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    code = child.wait()
    tell(events, {"event": "exit", "code": code})
    return 0


def wait_for_either(pid: int, life: int) -> None:
    """Return when process `pid` has ended or the life pipe is closed at its other end."""
    manager = os.getppid()
    poll = select.poll()
    process = os.pidfd_open(pid)
    poll.register(process, select.POLLIN)
    poll.register(life, select.POLLIN | select.POLLHUP)
    with contextlib.suppress(OSError):
        # A fork of the manager may hold the pipe open: look whether the parent has changed, too.
        while not poll.poll(1000) and os.getppid() == manager:
            pass
    os.close(process)


def tell(events: int, message: dict[str, object]) -> None:
    """Write one line to the event pipe; nobody may listen any more."""
    with contextlib.suppress(OSError):
        os.write(events, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
