"""A run in the hands of its user, in this process or another."""

import asyncio
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
from workflow_doubles import FLOW, register

import aios


def test_a_run_gives_its_report_outputs_and_events(manager):
    manager.register_workflow(FLOW)
    run = manager.execute_workflow("flow", np.arange(4.0))
    result = run.result(timeout_s=60)
    assert run.status == result.status == "SUCCESS"
    assert [item.name for item in run.steps] == ["load", "double", "report"]
    assert all(item.seconds >= 0 and item.attempt == 1 for item in run.steps)
    assert run.output("report") == {"sum": 12.0}
    assert run.output("double").tolist() == [0, 2, 4, 6]
    kinds = [type(event).__name__ for event in run.events()]
    assert kinds[:2] == ["RunStarted", "StepStarted"]
    assert kinds[-1] == "RunFinished"
    trained = next(item for item in run.events() if isinstance(item, aios.ModelTrained))
    assert (trained.run_id, trained.step, trained.metrics) == (run.id, "report", {"sum": 12.0})


def test_the_async_twin_returns_a_handle_that_can_be_awaited(manager):
    manager.register_workflow(FLOW)

    async def use():
        run = await manager.execute_workflow_async("flow", np.arange(3.0))
        events = [type(item).__name__ async for item in run.events_async()]
        return await run, events

    final, events = asyncio.run(use())
    assert final.status == "SUCCESS"
    assert events[-1] == "RunFinished"


def test_waiting_has_a_limit_that_leaves_the_run_alone(manager):
    release = threading.Event()
    register(manager, aios.step(name="wait")(lambda: release.wait(60)))
    run = manager.execute_workflow("w")
    with pytest.raises(aios.DeadlineExceededError, match="still goes on after 0.05 s"):
        run.result(timeout_s=0.05)
    release.set()
    assert run.result(60).status == "SUCCESS"


def test_another_process_sees_events_live(manager, tmp_path):
    release = threading.Event()

    def waits(data):
        release.wait(60)

    register(manager, waits)
    run = manager.execute_workflow("w")
    code = f"""
    import aios
    with aios.AICellManager({str(tmp_path / "home")!r}) as manager:
        for event in manager.run({run.id!r}).events():
            print(type(event).__name__, flush=True)
    """
    other = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "RunStarted\n"
    assert other.stdout.readline() == "StepStarted\n"
    release.set()
    rest = other.stdout.read().split()
    assert rest == ["StepFinished", "RunFinished"]
    other.stdout.close()
    assert other.wait(10) == 0
