"""For tests of workflows: waiting with a deadline, clocks that jump, workflows and damage."""

import time
from pathlib import Path

import numpy as np

import aios
from aios.home.clock import ClockReading


def wait_until(condition, timeout_s=60.0):
    """Poll until `condition()` is true; fail at the deadline."""
    give_up = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < give_up, "waited too long"
        time.sleep(0.005)


class FakeClock:
    """A lease clock and a wall clock that move only when told to."""

    def __init__(self, domain="here"):
        self.domain = domain
        self.monotonic = 1000.0
        self.wall_s = 1_700_000_000.0

    def lease(self):
        return ClockReading(self.domain, self.monotonic)

    def wall(self):
        return self.wall_s


def register(manager, *steps, workflow_id="w"):
    """Make these steps a workflow that the manager knows."""
    return manager.register_workflow(aios.Workflow(id=workflow_id, steps=steps))


def one():
    return 1


def load(data):
    return data


def double(load):
    return load * 2


@aios.step
def report(double, context):
    context.emit(aios.ModelTrained(metrics={"sum": float(np.sum(double))}))
    return {"sum": float(np.sum(double))}


FLOW = aios.Workflow(id="flow", steps=[report, double, load])


def twice(number):
    return number * 2


def refuse(number):
    raise ValueError(f"no {number}")


def run_one(manager, function, data=None, **options):
    """Start a run of one isolated step."""
    step = aios.step(isolated=True, name="step", **options)(function)
    manager.register_workflow(aios.Workflow(id="w", steps=[step]))
    return manager.execute_workflow("w", data)


def hang(data):
    """A step that never ends, and starts a process; both write their ids to a file."""
    import os
    import subprocess
    import sys
    import time
    from pathlib import Path

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    draft = Path(data + ".draft")
    draft.write_text(f"{os.getpid()} {child.pid}")
    draft.rename(data)
    time.sleep(600)


def lives(pid):
    """True while the process runs; a zombie doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def damage(path):
    """Overwrite two pages of a database."""
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(content)


def files_in(folder):
    """Every file below a folder, with what is in it and when it was written."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def flip(path):
    """Flip a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
