from pathlib import Path

from aios.server.folder import FoundModel, VersionKey
from aios.server.held_models import HeldModels

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
