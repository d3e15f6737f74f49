"""A step's process and all that it started end with the step, the run or the manager."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from workflow_doubles import hang, lives, run_one, wait_until

import aios


def test_a_step_past_its_time_is_killed_with_all_that_it_started(manager, tmp_path):
    path = tmp_path / "pids"
    for limit in (1, 4, 16, 50):  # until it has come as far as to hang
        run = run_one(manager, hang, str(path), timeout_s=limit)
        expected = rf"longer than its timeout_s of {limit}; its processes were"
        with pytest.raises(aios.WorkflowFailedError, match=expected):
            run.result(120)
        if path.exists():
            break
    assert run.steps[0].error["type"] == "DeadlineExceededError"
    pids = [int(item) for item in path.read_text().split()]
    assert len(pids) == 2
    wait_until(lambda: not any(map(lives, pids)))


def test_cancelling_kills_the_process_and_its_group(manager, tmp_path):
    path = tmp_path / "pids"
    run = run_one(manager, hang, str(path))
    wait_until(path.exists)
    run.cancel()
    pids = [int(item) for item in path.read_text().split()]
    wait_until(lambda: not any(map(lives, pids)))


def test_closing_the_manager_kills_the_process(make_manager, tmp_path):
    manager = make_manager()
    path = tmp_path / "pids"
    run_one(manager, hang, str(path))
    wait_until(path.exists)
    manager.close()
    pids = [int(item) for item in path.read_text().split()]
    wait_until(lambda: not any(map(lives, pids)))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_a_killed_manager(tmp_path, number):
    source = """
    import sys, time
    import aios
    from workflow_doubles import hang
    manager = aios.AICellManager(sys.argv[1])
    step = aios.step(isolated=True)(hang)
    manager.register_workflow(aios.Workflow(id="w", steps=[step]))
    manager.execute_workflow("w", sys.argv[2])
    time.sleep(600)
    """
    path = tmp_path / "pids"
    command = [sys.executable, "-c", textwrap.dedent(source), str(tmp_path / "home"), str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    manager = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
    wait_until(path.exists)
    manager.send_signal(number)
    manager.wait(60)
    pids = [int(item) for item in path.read_text().split()]
    wait_until(lambda: not any(map(lives, pids)))
