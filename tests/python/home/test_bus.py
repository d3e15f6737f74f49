import threading
from types import SimpleNamespace

import pytest
from workflow_doubles import wait_until

import aios
from aios.home.bus import Bus
from aios.home.messages import from_stored
from aios.home.sqlite_store import SqliteStore
from aios.home.store import AddMessage
from aios.workflow.execution import context as context_module


@pytest.fixture
def store(tmp_path):
    store = SqliteStore(tmp_path / "aios.db")
    yield store
    store.close()


@pytest.fixture
def bus(store):
    bus = Bus(store)
    yield bus
    bus.close()


def commit(store, bus, *messages):
    store.commit([AddMessage(item.to_stored()) for item in messages])
    bus.committed()


def test_a_message_comes_back_from_the_store_as_it_was(store, bus):
    sent = aios.ModelExported(run_id="r", step="s", sha256="h", engines=("litert", "compiled"))
    commit(store, bus, sent)
    assert from_stored(store.messages()[0]) == sent


def test_subscribers_get_the_types_they_asked_for_from_now_on(store, bus):
    commit(store, bus, aios.ModelTrained(seconds=1.0))
    seen = []
    bus.subscribe((aios.ModelTrained, aios.ModelDeployed), seen.append)
    commit(
        store, bus, aios.ModelTrained(seconds=2.0), aios.RunStarted(), aios.ModelDeployed(version=3)
    )
    wait_until(lambda: len(seen) == 2)
    assert [type(item).__name__ for item in seen] == ["ModelTrained", "ModelDeployed"]
    assert seen[0].seconds == 2.0


def test_messages_of_another_process_are_delivered_too(tmp_path, store, bus):
    seen = []
    bus.subscribe(aios.ModelDeployed, seen.append)
    other = SqliteStore(tmp_path / "aios.db")
    other.commit([AddMessage(aios.ModelDeployed(name="m").to_stored())])
    wait_until(lambda: seen)
    other.close()


def test_a_named_subscription_keeps_its_place(store):
    seen = []
    first = Bus(store)
    first.subscribe(aios.ModelTrained, seen.append, name="audit")
    commit(store, first, aios.ModelTrained(seconds=1.0))
    wait_until(lambda: len(seen) == 1)
    first.close()
    commit(store, first, aios.ModelTrained(seconds=2.0), aios.ModelTrained(seconds=3.0))
    second = Bus(store)
    second.subscribe(aios.ModelTrained, seen.append, name="audit")
    wait_until(lambda: len(seen) == 3)
    second.close(60)  # it delivers what there is
    assert [item.seconds for item in seen] == [1.0, 2.0, 3.0]


def test_a_message_sent_twice_is_delivered_once(store, bus):
    seen = []
    bus.subscribe(aios.ModelTrained, seen.append)
    message = aios.ModelTrained(seconds=1.0)
    commit(store, bus, message)
    commit(store, bus, message)
    commit(store, bus, aios.ModelTrained(seconds=2.0))
    wait_until(lambda: len(seen) == 2)
    assert [item.seconds for item in seen] == [1.0, 2.0]


def test_progress_that_goes_both_ways_is_delivered_once(manager, monkeypatch):
    seen, now = [], [1000.0]
    manager.subscribe(aios.TrainingProgress, seen.append)
    monkeypatch.setattr(context_module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def work(data, context):
        for epoch in range(5):
            context.report(aios.TrainingProgress(epoch=epoch))
            now[0] += 0.06

    manager.register_workflow(aios.Workflow(id="w", steps=[work]))
    run = manager.execute_workflow("w")
    run.result(60)
    kept = [item.epoch for item in run.events() if isinstance(item, aios.TrainingProgress)]
    assert kept == [0, 2, 4]  # ten a second reach the disk
    manager.bus.close(60)
    # What is kept comes by way of the disk, and may be overtaken by what isn't: each has its order.
    epochs = [item.epoch for item in seen]
    assert [epoch for epoch in epochs if epoch in kept] == kept
    assert [epoch for epoch in epochs if epoch not in kept] == [1, 3]


def test_telemetry_that_does_not_fit_is_counted_and_dropped(store, bus):
    go = threading.Event()
    seen = []

    def slow(message):
        go.wait(60)
        seen.append(message.epoch)

    subscription = bus.subscribe(aios.TrainingProgress, slow, capacity=10)
    bus.publish(aios.TrainingProgress(epoch=0))
    wait_until(lambda: not subscription.queue._items)
    for epoch in range(1, 26):
        bus.publish(aios.TrainingProgress(epoch=epoch))
    assert subscription.dropped == bus.dropped == 15
    go.set()
    wait_until(lambda: len(seen) == 11)
    assert seen == list(range(11))


def test_telemetry_never_reaches_the_store(store, bus):
    seen = []
    bus.subscribe(aios.TrainingProgress, seen.append)
    bus.publish(aios.TrainingProgress(epoch=1))
    wait_until(lambda: seen)
    assert store.messages() == []


def test_a_subscriber_that_raises_is_counted_and_the_others_go_on(store, bus, caplog):
    seen = []

    def broken(message):
        raise RuntimeError("no")

    subscription = bus.subscribe(aios.ModelTrained, broken)
    bus.subscribe(aios.ModelTrained, seen.append)
    commit(store, bus, aios.ModelTrained())
    wait_until(lambda: seen and subscription.errors == 1)
    assert "a subscriber of ModelTrained failed" in caplog.text


def test_a_closed_subscription_gets_nothing_more(store, bus):
    seen = []
    subscription = bus.subscribe(aios.ModelTrained, seen.append)
    subscription.close()
    other = []
    bus.subscribe(aios.ModelTrained, other.append)
    commit(store, bus, aios.ModelTrained())
    wait_until(lambda: other)
    assert seen == []


def test_a_subscription_that_comes_while_closed_ones_go_stays(bus):
    came = threading.Event()

    def join():
        bus.subscribe(aios.ModelTrained, print)
        came.set()

    class Closing:
        @property
        def closed(self):
            threading.Thread(target=join).start()
            came.wait(0.2)  # it would come in between
            return True

    bus._subscriptions = (Closing(),)
    bus._drop_closed()
    assert came.wait(60)
    assert len(bus._subscriptions) == 1


def test_telemetry_within_the_bound_is_all_delivered_in_order(store):
    bus = Bus(store, capacity=100_000)
    seen = []
    subscription = bus.subscribe(aios.TrainingProgress, lambda message: seen.append(message.epoch))
    for epoch in range(30_000):
        bus.publish(aios.TrainingProgress(epoch=epoch))
    wait_until(lambda: len(seen) == 30_000)
    assert seen == list(range(30_000))
    assert subscription.dropped == 0
    bus.close()
