"""What a step's process sends and prints is read in bounded memory, on any descriptor."""

import os

import pytest
from workflow_doubles import run_one

import aios
from aios.workflow.execution.processes import pipes as step_pipes
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


def test_a_step_that_prints_without_an_end_succeeds(manager):
    def prints(data):
        import sys

        for _ in range(64):
            sys.stdout.write("x" * 65536)
            sys.stderr.write("y" * 65536)
        return "done"

    run = run_one(manager, prints)
    assert run.result(60).status == "SUCCESS"


def test_a_step_that_sends_too_much_fails_by_name(manager):
    def sends(data, context):
        import aios

        context.emit(aios.ModelTrained(workflow="x" * (17 << 20)))

    with pytest.raises(aios.WorkflowFailedError, match="may take 16 MiB, got 17 MiB"):
        run_one(manager, sends).result(60)


def test_a_step_that_writes_to_the_managers_pipe_fails_by_name(manager):
    def scribbles(data):
        import os
        import sys

        os.write(int(sys.argv[2]), b"not a message\n")

    with pytest.raises(aios.WorkflowFailedError, match="must not write to descriptors"):
        run_one(manager, scribbles).result(60)
