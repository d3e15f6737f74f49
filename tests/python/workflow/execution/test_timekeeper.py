"""The thread that keeps time: one duty that fails keeps no other from being done."""

import threading

import pytest
from workflow_doubles import wait_until

import aios
from aios.workflow.execution.timekeeper import Timekeeper


@pytest.fixture
def keeper():
    """A timekeeper whose beat and polls come once in a quarter of an hour unless it is poked."""
    made = Timekeeper(lambda: None, lambda now: [], lease_s=3600)
    made._poll_s = 900.0
    yield made
    made.stop(60)


def test_duties_come_when_they_are_due_and_in_their_order(keeper):
    done = []
    keeper.later(0.01, lambda: done.append("second"))
    keeper.later(-1000.0, lambda: done.append("first"))  # overdue
    keeper.start()
    wait_until(lambda: len(done) == 2)
    assert done == ["first", "second"]


def test_a_poke_polls_at_once(keeper):
    polled = threading.Semaphore(0)
    keeper.polls.append(polled.release)
    keeper.start()
    assert polled.acquire(timeout=60)
    keeper.poke()
    assert polled.acquire(timeout=60)


def test_a_duty_that_fails_is_logged_and_the_others_are_done(keeper, caplog):
    def fails():
        raise aios.OverloadedError("no space left")

    done = threading.Event()
    keeper.polls += [fails, lambda: 1 / 0, done.set]
    keeper.start()
    assert done.wait(60)
    assert "the home can't be used now: no space left" in caplog.text
    assert "a bug in the manager; it goes on" in caplog.text


def test_nothing_is_done_after_the_stop(keeper):
    done = []
    keeper.start()
    keeper.stop(60)
    keeper.later(0.0, lambda: done.append(1))
    keeper.start()
    assert not keeper._thread.is_alive()
    assert done == []


def test_deadlines_are_looked_at_when_there_is_a_new_one():
    asked = threading.Semaphore(0)

    def expire(now):
        asked.release()
        return []

    keeper = Timekeeper(lambda: None, expire, lease_s=3600)
    keeper._poll_s = 900.0
    keeper.start()
    assert asked.acquire(timeout=60)
    keeper.wake()
    assert asked.acquire(timeout=60)
    keeper.stop(60)
