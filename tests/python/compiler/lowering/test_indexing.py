"""Elements that are picked and written by positions, as in TensorFlow."""

from __future__ import annotations

from typing import Any

import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("ai_edge_litert")


def _positions(x: Any, i: Any) -> list[Any]:
    at = tf.abs(i) % 6
    rows = tf.tile(tf.range(3)[:, None], [1, 4])
    where = tf.stack([rows, at], -1)
    return [
        *(
            tf.gather(x, at, axis=1, batch_dims=1),
            tf.gather_nd(x, where),
            tf.one_hot(at, 6, axis=1),
        ),
        *(tf.gather_nd(x, at[:, :, None], batch_dims=1), tf.gather(x, [3, 1, 1], axis=1)),
        *(tf.scatter_nd(where, x[:, :4], [3, 6, 5]), tf.tensor_scatter_nd_add(x, where, x[:, 1:5])),
        *(tf.reverse_sequence(x, at[:, 0], seq_axis=1), tf.linalg.diag(x[:, 0])),
        *(tf.linalg.set_diag(x, x[:, 0]), tf.linalg.band_part(x, 1, 0), tf.bitcast(x, tf.int32)),
        tf.math.unsorted_segment_sum(x, tf.constant([1, 0, 1]), 3),
    ]


def test_positions_that_the_call_computes_are_read_and_written(
    function_error: Any, draw: Any
) -> None:
    assert function_error(_positions, draw((3, 6, 5)), draw((3, 4), "int32")) < 1.0
