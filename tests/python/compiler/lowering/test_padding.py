"""Pads and blocks of pixels as calls."""

import numpy as np
from graphs import constant, declined_of, functions_of, graph_of, lowered, tensor

from aios.compiler.graph import Operator
from aios.compiler.program import Packed


def _pad(kind, pads, out, **options):
    tensors = [tensor(2, 3), constant(pads, np.int32), tensor(*out)]
    return graph_of(tensors, Operator(kind, (0, 1), (2,), options))


def test_a_pad_fills_the_whole_and_moves_the_inside():
    fill, move = functions_of(_pad("PAD", [[1, 0], [2, 1]], (3, 6)))
    assert fill == "fill<18>"
    assert move == "copyAxes<Axes<2, 3>, Axes<3, 1>, Axes<6, 1>>"


def test_a_pad_below_zero_is_declined():
    assert declined_of(_pad("PAD", [[-1, 0], [0, 0]], (1, 3))) == ["PAD (negative padding)"]


def test_a_mirrored_pad_gathers_by_a_table_of_positions():
    for mode, expected in ((0, [2, 1, 0, 1, 2, 1]), (1, [1, 0, 0, 1, 2, 2])):
        graph = graph_of(
            [tensor(3), constant([[2, 1]], np.int32), tensor(6)],
            Operator("MIRROR_PAD", (0, 1), (2,), {"mode": mode}),
        )
        (call,) = lowered(graph).finish().calls()
        assert call.function == "gather<1, 3, 6, 1>"
        (table,) = (o.data for o in call.operands if isinstance(o, Packed))
        assert table.tolist() == expected


def test_blocks_that_do_not_divide_the_image_are_declined():
    tensors = [
        tensor(1, 5, 4, 1), constant([2, 2], np.int32), constant([[0, 0], [0, 0]], np.int32),
        tensor(4, 2, 2, 1),
    ]  # fmt: skip
    told = declined_of(graph_of(tensors, Operator("SPACE_TO_BATCH_ND", (0, 1, 2), (3,))))
    assert told == ["SPACE_TO_BATCH_ND (sizes that aren't multiples of the block)"]
