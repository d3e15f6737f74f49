import logging
import os
import queue
import re
import stat

import pytest

from aios.errors import InvalidArgumentError
from aios.server.access_log import AccessLog

_DEADLINE_S = 30


class Lines:
    """Gives out what is put in, and says when all before was taken."""

    def __init__(self):
        self._queue = queue.Queue()
        self._asked = queue.Queue()

    def put(self, lines):
        self._queue.put(lines)

    def take(self):
        self._asked.put(None)
        return self._queue.get(timeout=_DEADLINE_S)

    def written(self, count):
        """Waits until so many bundles were written: the next one was asked for."""
        for _ in range(count + 1):
            self._asked.get(timeout=_DEADLINE_S)


@pytest.fixture
def lines():
    return Lines()


@pytest.fixture
def started(tmp_path, lines):
    """A log into a file, which is closed after the test."""
    log = AccessLog(tmp_path / "access.log", lines.take)
    yield log
    lines.put(b"")
    log.close()


def test_lines_are_appended_to_a_file(tmp_path, lines):
    path = tmp_path / "access.log"
    path.write_bytes(b"before\n")
    log = AccessLog(path, lines.take)
    lines.put(b"a\nb\n")
    lines.put(b"c\n")
    lines.put(b"")
    log.close()
    assert path.read_bytes() == b"before\na\nb\nc\n"


def test_a_new_log_is_not_for_everybody(tmp_path, started):
    mode = stat.S_IMODE((tmp_path / "access.log").stat().st_mode)
    assert mode & 0o007 == 0


def test_a_log_that_was_renamed_is_left_once_it_is_reopened(tmp_path, lines, started):
    path, old = tmp_path / "access.log", tmp_path / "access.log.1"
    lines.put(b"old\n")
    lines.written(1)
    path.rename(old)
    started.reopen()
    lines.put(b"new\n")
    lines.written(0)
    assert (old.read_bytes(), path.read_bytes()) == (b"old\n", b"new\n")


def test_it_stays_where_it_was_if_it_cannot_be_reopened(tmp_path, lines, started):
    path = tmp_path / "access.log"
    path.rename(tmp_path / "old")
    path.mkdir()
    with pytest.raises(InvalidArgumentError, match="Is a directory"):
        started.reopen()
    lines.put(b"a\n")
    lines.written(1)
    assert (tmp_path / "old").read_bytes() == b"a\n"


def test_a_folder_that_is_missing_is_said_at_once(tmp_path, lines):
    with pytest.raises(InvalidArgumentError, match=re.escape("access_log: ")):
        AccessLog(tmp_path / "none" / "access.log", lines.take)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
def test_lines_that_cannot_be_written_are_told_of_once(lines, caplog):
    log = AccessLog("/dev/full", lines.take)
    for bundle in (b"a\n", b"b\n", b""):
        lines.put(bundle)
    with caplog.at_level(logging.WARNING, "aios.server"):
        log.close()
    assert [record.getMessage().count("lines are lost") for record in caplog.records] == [1]


def test_standard_output_is_a_log_too(lines, capfdbinary):
    log = AccessLog("-", lines.take)
    log.reopen()
    lines.put(b"a\n")
    lines.put(b"")
    log.close()
    assert capfdbinary.readouterr().out == b"a\n"
