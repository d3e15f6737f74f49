"""The pool of threads: bounded, in order, and no step that hangs takes a thread away."""

import threading

import pytest
from conformance.executor import ExecutorConformance
from workflow_doubles import wait_until

from aios.workflow.execution.threads import ThreadExecutor, WorkerPool


class TestThreadExecutor(ExecutorConformance):
    @pytest.fixture
    def executor(self):
        made = ThreadExecutor(2)
        yield made
        made.close()


@pytest.fixture
def pool():
    made = WorkerPool(2, "test")
    yield made
    made.close()


def test_at_most_so_many_pieces_run_at_a_time(pool):
    running, most, release = set(), [], threading.Event()

    def work(number):
        running.add(number)
        assert release.wait(60)
        most.append(len(running))
        running.discard(number)

    for number in range(6):
        pool.submit(number, lambda number=number: work(number))
    wait_until(lambda: len(running) == 2)
    release.set()
    wait_until(lambda: len(most) == 6)
    assert max(most) <= 2


def test_one_thread_works_in_order_of_arrival():
    pool, done = WorkerPool(1, "test"), []
    for number in range(5):
        pool.submit(number, lambda number=number: done.append(number))
    wait_until(lambda: len(done) == 5)
    assert done == [0, 1, 2, 3, 4]
    pool.close()


def test_a_thread_given_up_is_replaced_and_ends_when_it_comes_back(pool):
    release, done = threading.Event(), []
    hanging = []
    for key in ("one", "two"):
        pool.submit(key, lambda: (hanging.append(threading.current_thread()), release.wait(60)))
    wait_until(lambda: len(hanging) == 2)
    pool.submit("three", lambda: done.append("three"))
    assert done == []
    pool.give_up("one")
    wait_until(lambda: done == ["three"])
    release.set()
    wait_until(lambda: sum(thread.is_alive() for thread in hanging) <= 1)
    pool.submit("four", lambda: done.append("four"))
    wait_until(lambda: done == ["three", "four"])


def test_giving_up_what_does_not_run_changes_nothing(pool):
    done = []
    pool.give_up("nothing")
    pool.submit("one", lambda: done.append(threading.current_thread()))
    wait_until(lambda: done)
    pool.give_up("one")
    pool.submit("two", lambda: done.append(threading.current_thread()))
    wait_until(lambda: len(done) == 2)
    assert pool._live <= pool.size


def test_work_that_raises_is_logged_and_costs_no_thread(pool, caplog):
    done = []
    for number in range(4):
        pool.submit(number, lambda: 1 / 0)
    pool.submit("last", lambda: done.append(1))
    wait_until(lambda: done)
    assert sum("a bug in the manager" in item.message for item in caplog.records) >= 3


def test_nothing_begins_after_close(pool):
    done = []
    pool.close()
    pool.submit("late", lambda: done.append(1))
    assert pool._live == 0
    assert done == []


def test_a_system_that_allows_no_thread_is_told_and_costs_no_place(pool, monkeypatch):
    def none_left(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        for number in range(3):
            with pytest.raises(RuntimeError, match="can't start"):
                pool.submit(number, lambda: None)
    done = []
    for number in range(3):
        pool.submit(number, lambda number=number: done.append(number))
    wait_until(lambda: sorted(done) == [0, 1, 2])


def test_work_goes_to_the_threads_there_are_where_no_other_can_start(pool, monkeypatch):
    release, done = threading.Event(), []
    pool.submit("first", lambda: release.wait(60))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda thread: (_ for _ in ()).throw(RuntimeError))
        pool.submit("second", lambda: done.append("second"))
    release.set()
    wait_until(lambda: done == ["second"])
