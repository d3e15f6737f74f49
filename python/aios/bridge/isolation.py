"""Whether engines may be tried in child processes, and what those have in common."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping

from aios.bridge.core import IS_NATIVE

#: Set to 0, engines are tried in the caller's process.
ISOLATION = "AIOS_ISOLATION"
#: The user's own command in place of `library_check`, as src/engines/library_check.hpp has it.
LIBRARY_CHECK = "AIOS_LIBRARY_CHECK"
_PR_SET_PDEATHSIG = 1
# Nothing of the working directory, nor the user's __main__, is imported there.
_BOOTSTRAP = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from {} import main; main()"
)


def may_isolate(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether engines can run in a child process: by Python's own program, and the C++ core."""
    program = os.path.basename(sys.executable or "")
    # A program that has Python inside would start itself once more.
    is_python = program.startswith(("python", "pypy")) and not getattr(sys, "frozen", False)
    return IS_NATIVE and is_python and environment.get(ISOLATION, "1") != "0"


def library_check() -> list[str]:
    """The command that tries a vendor's library before this process opens it; empty for none."""
    if LIBRARY_CHECK in os.environ or not may_isolate():
        return []
    return child_command("aios.bridge.library_check")


def child_command(module: str) -> list[str]:
    """What runs a module's `main` in a Python like this one, with the same packages."""
    paths = json.dumps([os.path.abspath(path) for path in sys.path])
    return [sys.executable, "-P", "-c", _BOOTSTRAP.format(module), paths]


def die_with_parent() -> None:
    """A child that hangs doesn't outlive its parent; one that crashes leaves no core file."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
