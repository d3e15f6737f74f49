import pytest
from workflow_doubles import FakeClock, wait_until

import aios


def tick(data):
    return data


WORKFLOW = aios.Workflow(id="daily", steps=[tick])


def due(manager):
    manager._starter.schedules.tick()
    return len(manager.runs())


def test_a_schedule_starts_runs_with_its_data_when_they_are_due(make_manager):
    clock = FakeClock()
    manager = make_manager(clock=clock)
    manager.register_workflow(WORKFLOW)
    manager.schedule("daily", {"n": 3}, every_s=3600)
    assert due(manager) == 0
    clock.wall_s += 3600
    assert due(manager) == 1
    assert due(manager) == 1
    run = manager.runs()[0]
    run.result(60)
    assert run.output("tick") == {"n": 3}
    clock.wall_s += 3600
    assert due(manager) == 2


def test_times_missed_are_made_up_for_by_one_run(make_manager):
    clock = FakeClock()
    manager = make_manager(clock=clock)
    manager.register_workflow(WORKFLOW)
    manager.schedule("daily", every_s=60, name="often")
    clock.wall_s += 1000
    assert due(manager) == 1
    (schedule,) = manager.schedules()
    assert clock.wall_s < schedule.due <= clock.wall_s + 60
    assert schedule.runs == 1


def test_two_managers_start_one_run(make_manager):
    clock = FakeClock()
    one, two = make_manager(clock=clock), make_manager(clock=clock)
    for manager in (one, two):
        manager.register_workflow(WORKFLOW)
    one.schedule("daily", every_s=60)
    clock.wall_s += 61
    one._starter.schedules.tick()
    two._starter.schedules.tick()
    assert len(one.runs()) == 1


def test_the_managers_own_thread_fires_schedules(manager):
    manager.register_workflow(WORKFLOW)
    manager.schedule("daily", 1, every_s=0.05)
    wait_until(lambda: len(manager.runs()) >= 2)
    assert manager.unschedule("daily")
    assert not manager.unschedule("daily")
    assert manager.schedules() == []


def test_an_impossible_interval_is_refused(manager):
    manager.register_workflow(WORKFLOW)
    with pytest.raises(aios.InvalidArgumentError, match="every_s: expected seconds above 0"):
        manager.schedule("daily", every_s=0)
    with pytest.raises(aios.NotFoundError, match="isn't registered"):
        manager.schedule("ghost", every_s=1)
