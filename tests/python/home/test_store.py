"""Records and leases, whatever store they are kept in."""

import json

import pytest

from aios.home.clock import ClockReading
from aios.home.store import LeaseState, RunRecord, StepRecord, leased

NOW = ClockReading("boot 1", 100.0)


@pytest.fixture
def run():
    return RunRecord("r", "w", "RUNNING", 5.0, {"sha256": "x"}, "x")


def test_a_new_lease_has_a_higher_epoch_and_ends_after_its_time(run):
    first = leased(run, "one", NOW, 10.0)
    second = leased(first, "two", ClockReading("boot 1", 105.0), 10.0)
    assert (first.lease.owner, first.lease.epoch, first.lease.expires) == ("one", 1, 110.0)
    assert (second.lease.owner, second.lease.epoch, second.lease.expires) == ("two", 2, 115.0)
    assert second.lease.beat > first.lease.beat
    assert run.lease.owner == ""


@pytest.mark.parametrize(
    ("domain", "seconds", "ended"),
    [
        ("boot 1", 109.9, False),
        ("boot 1", 110.0, True),
        ("boot 2", 1e9, False),
    ],
    ids=["before its end", "at its end", "by a clock that says nothing of it"],
)
def test_a_lease_ends_by_its_own_clock_alone(run, domain, seconds, ended):
    lease = leased(run, "one", NOW, 10.0).lease
    assert lease.ended(ClockReading(domain, seconds)) is ended


def test_what_nobody_holds_is_free():
    assert LeaseState().ended(NOW)


def test_a_step_comes_back_from_json_as_it_was():
    step = StepRecord("fit[2]", "FAILED", 2, 3, 7.5, error={"message": "no"}, unseen=["keras"])
    text = step.to_json()
    assert StepRecord.from_json(text) == step
    later = json.dumps({**json.loads(text), "from a later release": 1})
    assert StepRecord.from_json(later) == step
