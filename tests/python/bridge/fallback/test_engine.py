"""Sessions that put batches together, and pick graphs by size."""

import numpy as np
import pytest

import aios
from aios.bridge.fallback.engine import ComposedSession, Session, SizedSession
from aios.bridge.fallback.records import Signature, TensorSpec


class Counting(Session):
    """Answers the double, and remembers the batches that it was asked."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def call(self, inputs):
        self.batches.append(len(inputs[0]))
        return [2 * inputs[0]]


def batch_of(count):
    return np.arange(count, dtype=np.float32).reshape(count, 1)


def test_a_batch_is_put_together_from_the_largest_graphs_first():
    parts = {1: Counting(), 8: Counting()}
    composed = ComposedSession(parts, composable=True)
    np.testing.assert_array_equal(composed.answer([batch_of(19)])[0], 2 * batch_of(19))
    assert parts[8].batches == [8, 8]
    assert parts[1].batches == [1, 1, 1]
    composed.answer([batch_of(8)])
    assert parts[8].batches == [8, 8, 8]


@pytest.mark.parametrize(
    ("sizes", "composable", "batch"), [((1, 8), False, 3), ((8,), True, 9), ((4, 8), True, 6)]
)
def test_a_batch_that_cannot_be_put_together_is_refused(sizes, composable, batch):
    session = ComposedSession({size: Counting() for size in sizes}, composable=composable)
    with pytest.raises(aios.UnsupportedError, match=f"no graph for a batch of {batch}"):
        session.call([batch_of(batch)])


def test_the_graph_for_the_inner_sizes_is_picked_and_the_one_for_any_comes_last():
    signature = Signature("serve", [TensorSpec("x", "float32", (-1, -1, 4))], [])
    any_size, of_16 = Counting(), Counting()
    sized = SizedSession([({}, any_size), ({"x": (16,)}, of_16)], signature)
    sized.call([np.zeros((3, 16, 4), np.float32)])
    sized.call([np.zeros((5, 7, 4), np.float32)])
    assert (of_16.batches, any_size.batches) == ([3], [5])
    only_16 = SizedSession([({"x": (16,)}, of_16)], signature)
    with pytest.raises(aios.UnsupportedError, match=r"inner sizes of \{'x': \(7,\)\}"):
        only_16.call([np.zeros((5, 7, 4), np.float32)])


def test_an_answer_goes_only_into_memory_of_its_dtype_and_shape():
    session, x = Counting(), batch_of(2)
    out = np.empty_like(x)
    session.run([x], [out])
    np.testing.assert_array_equal(out, 2 * x)
    assert session.staged_bytes == 2 * x.nbytes
    for wrong in (np.empty((2, 2), np.float32), np.empty((2, 1), np.float64)):
        with pytest.raises(aios.InvalidArgumentError, match=r"the answer is float32\[2,1\]"):
            session.run([x], [wrong])


def test_strings_have_no_memory_of_the_callers():
    class Words(Session):
        def call(self, inputs):
            return [np.array([b"a"], object)]

    with pytest.raises(aios.InvalidArgumentError, match="holds strings"):
        Words().run([], [np.empty(1, object)])
    assert Words().answer([])[0].tolist() == [b"a"]
