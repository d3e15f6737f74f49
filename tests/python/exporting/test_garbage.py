import gc

import pytest

from aios.exporting.garbage import only_new_objects_collected


def test_what_was_there_is_left_alone_until_the_end():
    before = gc.get_freeze_count()
    assert before == 0
    with only_new_objects_collected():
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_new_garbage_is_still_collected():
    class Node:
        pass

    with only_new_objects_collected():
        node = Node()
        node.itself = node
        del node
        assert gc.collect() > 0


def test_an_error_leaves_nothing_frozen():
    with pytest.raises(KeyError), only_new_objects_collected():
        raise KeyError
    assert gc.get_freeze_count() == 0


def test_what_a_program_froze_stays_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with only_new_objects_collected():
            pass
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()
