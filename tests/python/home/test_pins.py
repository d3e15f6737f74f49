"""Pins: what is stored and not yet named stays, until its process has ended."""

import os

from aios.home.pins import PinFile, pinned


def test_the_pins_of_the_dead_are_removed(files):
    pid = os.fork()
    if pid == 0:
        pins = PinFile(files.pins, files.content.tmp)
        pins.add("a" * 64)
        os._exit(0 if pinned(files.pins) == {"a" * 64} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(list(files.pins.iterdir())) == 1
    assert pinned(files.pins) == set()
    assert list(files.pins.iterdir()) == []
