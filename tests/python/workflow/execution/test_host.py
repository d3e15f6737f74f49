"""A host drives its runs, beats for their leases, and gives up what hangs."""

import threading

import numpy as np
import pytest
from workflow_doubles import FLOW, FakeClock, load, register, wait_until

import aios
from aios.workflow.execution.inline import InlineExecutor
from aios.workflow.execution.run_writer import RunWriter


@pytest.fixture
def delivered(monkeypatch):
    """The names of the events that writers have dealt with, also in vain."""
    events = []
    original = RunWriter.deliver

    def deliver(self, event, changes=(), *, durable=False):
        original(self, event, changes, durable=durable)
        events.append(type(event).__name__)

    monkeypatch.setattr(RunWriter, "deliver", deliver)
    return events


def test_a_step_that_hangs_fails_at_its_time_limit_and_its_late_result_is_dropped(
    manager, delivered
):
    release = threading.Event()

    @aios.step(timeout_s=0.2)
    def hangs(data, context):
        context.emit(aios.ModelTrained())
        release.wait(60)
        return "too late"

    register(manager, hangs)
    run = manager.execute_workflow("w")
    with pytest.raises(aios.WorkflowFailedError, match="longer than its timeout_s of 0.2"):
        run.result(60)
    release.set()
    wait_until(lambda: "Finished" in delivered)
    assert run.steps[0].status == "FAILED"
    assert run.steps[0].error["type"] == "DeadlineExceededError"
    assert not [item for item in run.events() if isinstance(item, aios.ModelTrained)]


def test_hanging_steps_do_not_use_up_the_workers(make_manager):
    manager = make_manager(workers=2)
    release = threading.Event()

    @aios.step(timeout_s=0.1)
    def hangs(data):
        release.wait(60)

    register(manager, hangs, workflow_id="hangs")
    manager.register_workflow(FLOW)
    for _ in range(4):
        with pytest.raises(aios.WorkflowFailedError):
            manager.execute_workflow("hangs").result(60)
    assert manager.execute_workflow("flow", np.ones(2)).result(60).status == "SUCCESS"
    release.set()


def test_fan_out_runs_elements_at_the_same_time(make_manager):
    manager = make_manager(workers=4)
    together = threading.Barrier(3)

    def parts(data):
        return [np.full(2, value) for value in data]

    @aios.step(over="parts")
    def work(parts):
        together.wait(60)
        return int(parts.sum())

    def total(work):
        return sum(work)

    register(manager, parts, work, total)
    run = manager.execute_workflow("w", [1, 2, 3])
    run.result(60)
    assert run.output("work") == [2, 4, 6]
    assert run.output("total") == 12


def test_cancel_ends_a_run_at_once_and_tells_its_step(manager):
    entered, told = threading.Event(), threading.Event()

    def slow(data, context):
        entered.set()
        if context.cancelled.wait(60):
            told.set()
        context.check_cancelled()

    register(manager, slow)
    run = manager.execute_workflow("w")
    assert entered.wait(60)
    assert run.cancel()
    assert run.status == "CANCELLED"
    assert told.wait(60)
    assert not manager.cancel(run.id)
    with pytest.raises(aios.WorkflowFailedError, match="ended CANCELLED"):
        run.result(60)
    assert run.steps[0].status == "CANCELLED"


def test_two_managers_on_one_home_share_runs_and_steal_none(make_manager):
    """Four leases pass while the step goes on; its owner beats in each."""
    starts, clock, inline = [], FakeClock(), InlineExecutor()

    def slow(data, context):
        starts.append(context.run_id)
        return 1

    one, two = (make_manager(clock=clock, lease_s=10, executor=inline) for _ in range(2))
    for manager in (one, two):
        register(manager, slow)
    run = one.execute_workflow("w")
    for _ in range(8):
        clock.monotonic += 5.0
        one._host._beat()
        two._host._take_over()
        assert one.run_record(run.id).lease.epoch == 1
    inline.run_all()
    assert two.run(run.id).status == "SUCCESS"
    assert starts == [run.id]
    assert run.steps[0].launches == 1


def test_a_closed_managers_runs_are_taken_over_by_another(make_manager):
    def first(data):
        return 1

    def second(first):
        return first + 1

    inline, other = InlineExecutor(), InlineExecutor()
    one, two = make_manager(executor=inline), make_manager(executor=other)
    register(one, first, second)
    run = one.execute_workflow("w")
    inline.run("first")
    assert len(run.steps) == 2
    one.close()
    register(two, first, second)
    wait_until(lambda: other.waiting)
    other.run_all()
    taken = two.run(run.id)
    assert taken.status == "SUCCESS"
    assert [item.launches for item in taken.steps] == [1, 2]
    assert any(isinstance(item, aios.RunTakenOver) for item in taken.events())


def test_a_manager_that_froze_past_its_lease_can_record_nothing(make_manager, delivered):
    """The old owner's step ends after another manager has taken the run: only one result counts."""
    release = threading.Event()
    hold = {"old": True}

    def step_(data, context):
        if hold.pop("old", False):
            release.wait(60)
            return "old"
        return "new"

    one = make_manager(lease_s=60)
    register(one, aios.step(name="s")(step_))
    run = one.execute_workflow("w")
    wait_until(lambda: run.steps and "old" not in hold)
    two = make_manager()
    register(two, aios.step(name="s")(step_))
    assert two.resume(run.id).result(60).status == "SUCCESS"
    release.set()
    wait_until(lambda: delivered.count("Finished") == 2)
    assert two.run(run.id).output("s") == "new"


def test_wall_clock_jumps_never_shorten_a_lease(make_manager):
    clock, inline = FakeClock(), InlineExecutor()
    one, two = (make_manager(clock=clock, lease_s=5, executor=inline) for _ in range(2))
    register(one, load)
    run = one.execute_workflow("w")
    register(two, load)
    for jump in (+86_400.0, -10 * 86_400.0):
        clock.wall_s += jump
        two._host._take_over()
        assert one.run_record(run.id).lease.epoch == 1
    inline.run_all()
    assert run.status == "SUCCESS"


def test_a_lease_of_another_boot_is_taken_only_after_a_whole_lease_without_a_beat(make_manager):
    dead, clock = FakeClock("old boot"), FakeClock("new boot")
    one = make_manager(clock=dead, lease_s=30)
    register(one, load)
    one._host.close(0.0)  # it beats no more, and its run's lease is still held
    record = aios.home.store.RunRecord("r", "w", "RUNNING", 0.0, {"sha256": "x", "inline": 1})
    held = aios.home.store.leased(record, "another-machine", dead.lease(), 30.0)
    one.home.store.create_run(held)
    clock.monotonic = 5000.0  # before any thread of its own can see the beat stand still
    two = make_manager(clock=clock, lease_s=30)
    register(two, load)
    for seconds in (0.0, 29.0):
        clock.monotonic = 5000.0 + seconds
        two._host._take_over()
        assert two.run_record("r").lease.owner == "another-machine"
    clock.monotonic = 5030.5
    two._host._take_over()
    assert two.run("r").result(60).status == "SUCCESS"


def test_runs_beyond_the_bound_wait_in_the_store(make_manager):
    inline = InlineExecutor()
    manager = make_manager(max_active_runs=2, executor=inline)
    register(manager, load)
    runs = [manager.execute_workflow("w", number) for number in range(8)]
    manager._host._take_over()
    waiting = [run for run in runs if not manager.run_record(run.id).lease.owner]
    assert (manager._host.active(), len(waiting), len(inline.waiting)) == (2, 6, 2)
    for _ in runs:
        wait_until(lambda: inline.waiting)
        inline.run()
    assert [run.status for run in runs] == ["SUCCESS"] * 8


def test_a_full_disk_lets_go_of_the_run_and_resume_goes_on(manager):
    filled = threading.Event()
    gone_on = threading.Event()

    def first(data):
        filled.wait(60)
        return "x" * 12_000

    register(manager, first)
    run = manager.execute_workflow("w")
    wait_until(lambda: run.steps)
    pages = manager.home.store.limit_pages(1)
    filled.set()
    with pytest.raises(aios.OverloadedError, match="no space left.*free space.*resume"):
        run.result(60)
    assert run.status == "RUNNING"
    manager.home.store.limit_pages(pages + 10_000)
    gone_on.set()
    assert manager.resume(run.id).result(60).status == "SUCCESS"


def test_logs_carry_run_and_step(manager, caplog):
    def broken(data):
        raise ValueError("no")

    register(manager, broken)
    run = manager.execute_workflow("w")
    with (
        caplog.at_level("WARNING", logger="aios.workflow"),
        pytest.raises(aios.WorkflowFailedError),
    ):
        run.result(60)
    (record,) = [item for item in caplog.records if item.message.startswith("step failed")]
    assert (record.run_id, record.step) == (run.id, "broken")
