from pathlib import Path

from aios.server.folder import FoundModel, VersionKey
from aios.server.held_models import HeldModels
from aios.server.wanted import Wanted

MODEL = FoundModel(Path("models"), (), True)
FOUND = {VersionKey("a", 2): MODEL, VersionKey("a", 1): MODEL, VersionKey("b", 1): MODEL}


def test_a_model_that_is_held_is_left_out_until_it_is_released():
    held = HeldModels()
    assert held.without(FOUND) == FOUND
    held.hold("a")
    assert list(held.without(FOUND)) == [VersionKey("b", 1)]
    assert held.left_out() == [VersionKey("a", 1), VersionKey("a", 2)]
    held.release("a")
    assert held.without(FOUND) == FOUND
    assert held.left_out() == []


def test_a_model_may_be_held_before_it_is_there():
    held = HeldModels()
    held.hold("a")
    assert (held.without({}), held.left_out()) == ({}, [])
    assert list(held.without(FOUND)) == [VersionKey("b", 1)]


def test_what_is_spare_of_a_held_model_is_left_out_too():
    held = HeldModels()
    held.hold("a")
    told = held.left_of(Wanted(FOUND, spare={VersionKey("a", 3): MODEL}, usual={"b": 1}))
    assert (list(told.versions), told.spare) == ([VersionKey("b", 1)], {})
    assert told.usual == {"b": 1}
    assert held.left_out() == [VersionKey("a", 1), VersionKey("a", 2)]
