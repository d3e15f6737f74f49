"""Child processes as the manager sees them: started, fed, kept for their run."""

import os
import resource
import subprocess
import threading

import pytest
from workflow_doubles import lives, run_one, wait_until

import aios
from aios.workflow.execution.processes import parent
from aios.workflow.execution.processes.parent import StepProcess


def test_a_child_that_does_not_read_its_job_is_still_timed_out(manager, monkeypatch):
    monkeypatch.setattr(parent, "_BOOTSTRAP", "import time; time.sleep(600)")
    constants = {"large": "x" * (1 << 20)}
    run = run_one(manager, lambda large: large, constants=constants, timeout_s=0.5)
    with pytest.raises(aios.WorkflowFailedError, match=r"longer than its timeout_s of 0\.5"):
        run.result(60)


def test_descriptors_above_1024_are_no_limit(manager):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1500:
        pytest.skip(f"only {hard} descriptors are allowed here; ulimit -Hn 1500 lifts it")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1500, hard))
    held = []
    try:
        while not held or held[-1] < 1100:
            held.append(os.open(os.devnull, os.O_RDONLY))
        run = run_one(manager, lambda data: data + 1, 1)
        assert run.result(60).status == "SUCCESS"
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def descriptors():
    return set(os.listdir("/proc/self/fd"))


def test_a_process_that_cannot_be_started_leaves_no_descriptor_behind(monkeypatch):
    def no_process(*arguments, **options):
        raise OSError(24, "Too many open files")

    before = descriptors()
    monkeypatch.setattr(subprocess, "Popen", no_process)
    with pytest.raises(aios.UnavailableError, match="no process can be started.*Too many open"):
        StepProcess()
    assert descriptors() - before == set()


def test_a_process_without_a_thread_to_read_it_is_ended(monkeypatch):
    def no_thread(self):
        raise RuntimeError("can't start new thread")

    before = descriptors()
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(aios.UnavailableError, match="can't start new thread"):
        StepProcess()
    wait_until(lambda: not descriptors() - before)


def test_isolated_steps_of_a_run_share_a_process_by_name(manager):
    def pid(data):
        import os

        return os.getpid()

    steps = [
        aios.step(name="a", isolated="x")(pid),
        aios.step(name="b", isolated="x", after="a")(pid),
        aios.step(name="c", isolated="y", after="b")(pid),
    ]
    manager.register_workflow(aios.Workflow(id="w", steps=steps))
    run = manager.execute_workflow("w")
    run.result(60)
    a, b, c = (run.output(name) for name in "abc")
    assert a == b != c
    wait_until(lambda: not lives(a) and not lives(c))
