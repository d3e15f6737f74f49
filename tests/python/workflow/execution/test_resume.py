"""Killed with kill -9, edited, resumed: real processes on one home."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from workflow_doubles import FakeClock, wait_until

import aios
from aios.home.store import RunRecord, leased
from aios.workflow.execution import leases

SCRIPT = """
import os, sys, time
import aios

LOG = sys.argv[2]

def note(text):
    with open(LOG, "a") as file:
        file.write(text + "\\n")

def one(data):
    note("one")
    return data + 1

def two(one):
    note("two")
    if os.environ.get("DIE") == "two":
        os.kill(os.getpid(), 9)
    return one * FACTOR

def three(two):
    note("three")
    return two + 100

FACTOR = 10
workflow = aios.Workflow(id="w", steps=[one, two, three])
"""

RUN = """
if __name__ == "__main__":
    with aios.AICellManager(sys.argv[1], lease_s=0.5) as manager:
        manager.register_workflow(workflow)
        if sys.argv[3] == "start":
            run = manager.execute_workflow("w", 1)
        else:
            run = manager.resume(manager.runs()[0].id)
        print(run.result(60).status, run.output("three"))
        for item in run.steps:
            print(item.name, item.status, item.launches, item.reason)
"""


@pytest.fixture
def script(tmp_path):
    """Runs a version of the script in a process of its own; returns (exit code, output lines)."""

    def run(mode, source=SCRIPT, **environment):
        path = tmp_path / "flow.py"
        path.write_text(source + RUN)
        command = [sys.executable, str(path), str(tmp_path / "home"), str(tmp_path / "log"), mode]
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout.splitlines() or done.stderr.splitlines()

    return run


@pytest.fixture
def log(tmp_path):
    return lambda: (tmp_path / "log").read_text().split()


def test_a_killed_run_goes_on_where_it_stopped(script, log):
    code, _ = script("start", DIE="two")
    assert code == -signal.SIGKILL
    assert log() == ["one", "two"]
    code, lines = script("resume")
    assert (code, lines[0]) == (0, "SUCCESS 120")
    assert log() == ["one", "two", "two", "three"]
    assert lines[1:] == ["one SUCCESS 1 ", "two SUCCESS 2 interrupted", "three SUCCESS 1 "]


def test_edited_code_runs_again_with_its_dependants_and_show_says_why(script, log):
    script("start", DIE="two")
    edited = SCRIPT.replace("data + 1", "data + 2")
    code, lines = script("resume", edited)
    assert (code, lines[0]) == (0, "SUCCESS 130")
    assert lines[1] == "one SUCCESS 2 its code changed"
    assert log() == ["one", "two", "one", "two", "three"]


def test_an_edited_constant_that_a_step_names_counts_as_code(script):
    failing = SCRIPT.replace("return two + 100", "raise ValueError('later')")
    code, lines = script("start", failing)
    assert code == 1
    assert "later" in lines[-1]
    code, lines = script("resume", SCRIPT.replace("FACTOR = 10", "FACTOR = 20"))
    assert (code, lines[0]) == (0, "SUCCESS 140")
    assert lines[1:] == [
        "one SUCCESS 1 ",
        "two SUCCESS 2 its code changed",
        "three SUCCESS 2 resumed after a failure",
    ]


def test_a_changed_dag_never_strands_a_run(script):
    script("start", DIE="two")
    changed = SCRIPT.replace("def two(one)", "def other(one)").replace("three(two)", "three(other)")
    changed = changed.replace("return two + 100", "return other + 100").replace(
        "one, two,", "one, other,"
    )
    code, lines = script("resume", changed)
    assert (code, lines[0]) == (0, "SUCCESS 120")
    assert "two RETIRED 1 no longer in the workflow" in lines


def test_a_live_manager_takes_over_at_once_when_the_owners_process_is_gone(make_manager, tmp_path):
    """The lease would last for ten minutes more; while its owner lives, the run stays its own."""
    source = """
    import sys, time, aios
    def slow(data, context):
        while True:
            context.check_cancelled()
            time.sleep(0.01)
    manager = aios.AICellManager(sys.argv[1], lease_s=600)
    manager.register_workflow(aios.Workflow(id="w", steps=[slow]))
    manager.execute_workflow("w", 1)
    print("running", flush=True)
    time.sleep(600)
    """
    command = [sys.executable, "-c", textwrap.dedent(source), str(tmp_path / "home")]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert victim.stdout.readline() == b"running\n"

    def slow(data):
        return data

    manager = make_manager(lease_s=600)
    manager.register_workflow(aios.Workflow(id="w", steps=[slow]))
    (run,) = manager.runs()
    for _ in range(3):
        manager._host._take_over()
        assert run.steps[0].launches == 1
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    wait_until(lambda: run.status == "SUCCESS")
    assert run.steps[0].launches == 2


def test_an_owner_of_which_nothing_is_known_is_waited_for(make_manager, monkeypatch):
    """Without a look at its process, a dead owner's lease ends by itself."""
    monkeypatch.setattr(leases, "is_gone", lambda owner: False)

    def quick(data):
        return 1

    clock = FakeClock()
    manager = make_manager(clock=clock)
    run = RunRecord("r", "w", "RUNNING", 0.0, {"sha256": "x", "inline": 1})
    manager.home.store.create_run(leased(run, "somebody", clock.lease(), 10.0))
    manager.register_workflow(aios.Workflow(id="w", steps=[quick]))
    clock.monotonic += 9.9
    manager._host._take_over()
    assert manager.run_record("r").lease.owner == "somebody"
    clock.monotonic += 0.2
    wait_until(lambda: manager.run("r").status == "SUCCESS")


def test_resuming_an_unregistered_workflow_says_what_to_do(make_manager):
    one, two = make_manager(), make_manager()
    one.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(lambda: 1 / 0)]))
    run = one.execute_workflow("w")
    with pytest.raises(aios.WorkflowFailedError):
        run.result(60)
    with pytest.raises(aios.NotFoundError, match="'w' isn't registered in this process"):
        two.resume(run.id)
    assert run.status == "FAILED"


def test_resuming_a_run_that_succeeded_changes_nothing(manager):
    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(lambda: 1)]))
    run = manager.execute_workflow("w")
    run.result(60)
    assert manager.resume(run.id).result(1).status == "SUCCESS"
    assert run.steps[0].launches == 1
