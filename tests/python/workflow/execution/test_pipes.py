"""What a step's process sends and prints is read in bounded memory, on any descriptor."""

import os
import resource
import subprocess
import threading

import pytest
from workflow_doubles import wait_until

import aios
from aios.workflow.execution.processes import parent
from aios.workflow.execution.processes import pipes as step_pipes
from aios.workflow.execution.processes.parent import StepProcess
from aios.workflow.execution.processes.pipes import MessageReader, OutputTail


def test_messages_come_whole_however_they_are_cut():
    reader = MessageReader()
    text = b'{"event": "started", "pid": 1}\n{"event": "exit"}\n'
    found = []
    for place in range(len(text)):
        reader.feed(text[place : place + 1])
        while message := reader.next():
            found.append(message["event"])
    assert found == ["started", "exit"]


def test_a_message_without_an_end_is_refused_before_it_takes_the_memory(monkeypatch):
    monkeypatch.setattr(step_pipes, "MAX_MESSAGE_BYTES", 1 << 20)
    reader = MessageReader()
    with pytest.raises(aios.UnavailableError, match="a message of more than 1 MiB"):
        for _ in range(100):
            reader.feed(bytes(64 << 10))
    assert len(reader._rest) < 2 << 20


@pytest.mark.parametrize("line", [b"hello", b"[1]", b'{"event": 5}', b"{}", b"[" * 100_000])
def test_a_line_that_is_no_message_is_named(line):
    reader = MessageReader()
    reader.feed(line + b"\n")
    with pytest.raises(aios.UnavailableError, match="must not write to descriptors"):
        reader.next()


def test_of_output_without_a_line_end_only_the_tail_is_kept():
    read, write = os.pipe()
    tail = OutputTail()
    tail.start(os.fdopen(read, "rb"))
    for _ in range(128):
        os.write(write, b"x" * (64 << 10))
        assert len(tail._kept) <= 128 << 10
    os.write(write, b"\nlast words\n")
    os.close(write)
    assert tail.text().endswith("\nlast words")
    assert len(tail._kept) == 64 << 10


def isolated(manager, function, data=None, **options):
    step = aios.step(isolated=True, name="step", **options)(function)
    manager.register_workflow(aios.Workflow(id="w", steps=[step]))
    return manager.execute_workflow("w", data)


def test_a_step_that_prints_without_an_end_succeeds(manager):
    def prints(data):
        import sys

        for _ in range(64):
            sys.stdout.write("x" * 65536)
            sys.stderr.write("y" * 65536)
        return "done"

    run = isolated(manager, prints)
    assert run.result(60).status == "SUCCESS"


def test_a_step_that_sends_too_much_fails_by_name(manager):
    def sends(data, context):
        import aios

        context.emit(aios.ModelTrained(workflow="x" * (17 << 20)))

    with pytest.raises(aios.WorkflowFailedError, match="may take 16 MiB, got 17 MiB"):
        isolated(manager, sends).result(60)


def test_a_step_that_writes_to_the_managers_pipe_fails_by_name(manager):
    def scribbles(data):
        import os
        import sys

        os.write(int(sys.argv[2]), b"not a message\n")

    with pytest.raises(aios.WorkflowFailedError, match="must not write to descriptors"):
        isolated(manager, scribbles).result(60)


def test_a_child_that_does_not_read_its_job_is_still_timed_out(manager, monkeypatch):
    monkeypatch.setattr(parent, "_BOOTSTRAP", "import time; time.sleep(600)")
    constants = {"large": "x" * (1 << 20)}
    run = isolated(manager, lambda large: large, constants=constants, timeout_s=0.5)
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
        run = isolated(manager, lambda data: data + 1, 1)
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
