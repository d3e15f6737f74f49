"""What a message keeps on its way through the store, also from other releases."""

import threading

import pytest

import aios
from aios.home.messages import Message, from_stored, new_message_id
from aios.home.store import StoredMessage


def test_unknown_fields_are_ignored_and_absent_ones_have_their_default():
    stored = StoredMessage("i", "ModelTrained", 1, "r", 1.0, {"seconds": 2.0, "later": 3})
    message = from_stored(stored)
    assert (message.seconds, message.workflow, message.id) == (2.0, "", "i")


def test_a_message_of_a_later_version_is_refused():
    with pytest.raises(aios.UnsupportedError, match="version 9, this release knows 1; upgrade"):
        from_stored(StoredMessage("i", "ModelTrained", 9, "r", 1.0, {}))


def test_a_message_of_an_unknown_type_is_still_a_message():
    message = from_stored(StoredMessage("i", "FromTheFuture", 1, "r", 1.0, {"step": "s"}))
    assert type(message) is Message
    assert (message.run_id, message.step) == ("r", "s")


def test_ids_are_unique_across_threads():
    found, threads = [], []
    for _ in range(4):
        threads.append(
            threading.Thread(target=lambda: found.extend(new_message_id() for _ in range(2000)))
        )
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8000


def test_an_old_message_is_upgraded_version_by_version(monkeypatch):
    from aios.home import messages

    monkeypatch.setattr(aios.ModelTrained, "VERSION", 3)
    first = {("ModelTrained", 1): lambda body: {**body, "secs": body.pop("time")}}
    second = {("ModelTrained", 2): lambda body: {**body, "seconds": body.pop("secs")}}
    monkeypatch.setattr(messages, "_UPGRADES", {**first, **second})
    old = StoredMessage("i", "ModelTrained", 1, "r", 1.0, {"time": 4.0})
    assert from_stored(old).seconds == 4.0
