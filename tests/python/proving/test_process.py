"""Processes that can't be started, and those that are ended."""

import errno
import os
import signal
import subprocess

import pytest

from aios.errors import UnavailableError
from aios.proving.isolated import IsolatedProver

pytestmark = pytest.mark.native


def _verified(bundle, time_limit_s=None, only=None):
    with IsolatedProver(time_limit_s) as prover:
        return {entry.engine: entry for entry in prover.verify(bundle, only=only)}


def test_where_no_process_can_be_started_it_says_what_to_do(digits, monkeypatch):
    def full(*_, **__):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    with monkeypatch.context() as limited:
        limited.setattr(subprocess, "Popen", full)
        with pytest.raises(UnavailableError, match="Resource temporarily.*AIOS_ISOLATION=0"):
            IsolatedProver()
    monkeypatch.setattr("aios.proving.process.child_command", lambda _: ["/bin/false"])
    (entry,) = _verified(digits.bundle, only=["litert"]).values()
    assert entry.reason == (
        "the process to try engines in doesn't start: it ended its process with exit code 1 while "
        "starting; AIOS_ISOLATION=0 tries them in yours"
    )


def test_closing_ends_the_child():
    prover = IsolatedProver()
    process = prover._child._process
    prover.close()
    assert process.returncode == -signal.SIGKILL
    assert not os.path.exists(f"/proc/{process.pid}")
