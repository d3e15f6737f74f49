"""Messages with arrays between two processes."""

import socket

import numpy as np
import pytest

from aios.bundle.dtypes import numpy_dtype
from aios.proving.line import Line


@pytest.fixture
def lines():
    ends = socket.socketpair()
    found = [Line(end) for end in ends]
    yield found
    for line in found:
        line.close()


def test_a_message_comes_with_its_arrays_of_any_dtype_and_layout(lines):
    here, there = lines
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "b": np.array([True, False]),
        "c": np.zeros((0, 3), np.int64),
        "d": np.ones(3, numpy_dtype("bfloat16")),
        "e": np.array([[b"", b"a\0b"]], dtype=object),
    }
    here.send({"call": "answers", "n": 3}, arrays)
    message, received = there.receive(5.0)
    assert message == {"call": "answers", "n": 3}
    for name, array in arrays.items():
        assert received[name].dtype == array.dtype
        np.testing.assert_array_equal(received[name], array)


def test_messages_keep_their_order(lines):
    here, there = lines
    for n in range(3):
        here.send({"n": n})
    assert [there.receive(5.0)[0]["n"] for _ in range(3)] == [0, 1, 2]


def test_an_end_that_is_closed_is_told_even_in_a_message(lines):
    here, there = lines
    here._end.sendall((100).to_bytes(8, "little") + b"{")
    here.close()
    with pytest.raises(EOFError):
        there.receive(5.0)


def test_what_does_not_come_in_time_is_a_timeout(lines):
    with pytest.raises(TimeoutError):
        lines[0].receive(0.01)
