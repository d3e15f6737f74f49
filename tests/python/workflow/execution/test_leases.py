"""A manager claims a run once, whoever of its threads asks."""

import threading

import pytest

import aios
from aios.home.store import RunRecord


def waiting_run(manager):
    """A run that nobody holds, as a manager that was closed leaves it."""
    manager.home.store.create_run(
        RunRecord("r", "w", "RUNNING", 0.0, {"sha256": "x", "inline": 1}, "x")
    )


def test_resuming_a_run_while_it_is_taken_over_starts_its_steps_once(manager, monkeypatch):
    starts, claimed, resumed = [], threading.Event(), threading.Event()
    claim = manager.home.store.claim

    def claim_and_wait(wanted):
        taken = claim(wanted)
        if taken and not wanted.force:
            claimed.set()
            resumed.wait(0.2)  # a second claim could come here
        elif taken:
            resumed.set()
        return taken

    def step_(data, context):
        starts.append(context.attempt)
        return data

    monkeypatch.setattr(manager.home.store, "claim", claim_and_wait)
    waiting_run(manager)
    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(step_)]))
    assert claimed.wait(60)
    manager.resume("r").result(60)
    assert starts == [1]
    run = manager.run("r")
    assert run.steps[0].launches == 1
    assert [type(item).__name__ for item in run.events()].count("RunTakenOver") == 1


def test_resuming_from_many_threads_claims_once(manager):
    go = threading.Barrier(8)

    def fails(data):
        raise ValueError("once")

    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(fails)]))
    run = manager.execute_workflow("w")
    with pytest.raises(aios.WorkflowFailedError):
        run.result(60)
    release = threading.Event()

    def waits(data):
        assert release.wait(60)
        return 1

    manager.register_workflow(aios.Workflow(id="w", steps=[aios.step(name="s")(waits)]))

    def resume():
        go.wait()
        manager.resume(run.id)

    threads = [threading.Thread(target=resume) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    release.set()
    assert run.result(60).status == "SUCCESS"
    assert run.steps[0].launches == 2
    assert manager.run_record(run.id).lease.epoch == 2


def test_a_run_that_another_manager_has_taken_is_resumed_although_it_is_still_driven_here(
    make_manager,
):
    """The first manager hasn't noticed yet that its lease is gone."""
    entered, release = threading.Event(), threading.Event()

    def waits(data, context):
        entered.set()
        assert release.wait(60)
        return context.attempt

    workflow = aios.Workflow(id="w", steps=[aios.step(name="s")(waits)])
    one, two = make_manager(lease_s=60), make_manager(lease_s=60)
    one.register_workflow(workflow)
    run = one.execute_workflow("w")
    assert entered.wait(60)
    two.register_workflow(workflow)
    two.resume(run.id)
    one.resume(run.id)
    release.set()
    assert run.result(60).status == "SUCCESS"
    assert one.run_record(run.id).lease.epoch == 3
    assert [item.epoch for item in run.events() if isinstance(item, aios.RunTakenOver)] == [2, 3]
