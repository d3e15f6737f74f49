"""The file's options of an operator, as classes."""

import pytest

from aios.compiler.graph import Operator
from aios.compiler.options import Window, window_of


def _op(**options):
    return Operator("CONV_2D", (0, 1), (2,), options)


def test_a_window_has_what_the_file_says_and_1_where_it_says_nothing():
    plain = _op(padding=1, stride_h=2, stride_w=3)
    assert window_of(plain) == Window(False, (1, 2, 3), (1, 1, 1), (1, 1, 1))
    full = _op(
        padding=0, stride_d=2, stride_h=3, stride_w=4, dilation_d_factor=5, dilation_h_factor=6,
        dilation_w_factor=7, filter_depth=8, filter_height=9, filter_width=10,
    )  # fmt: skip
    assert window_of(full) == Window(True, (2, 3, 4), (5, 6, 7), (8, 9, 10))
    assert (window_of(full).stride_2d, window_of(full).dilation_2d) == ((3, 4), (6, 7))


@pytest.mark.parametrize("missing", ["padding", "stride_h", "stride_w"])
def test_what_a_window_must_have_is_named(missing):
    options = {"padding": 0, "stride_h": 1, "stride_w": 1}
    del options[missing]
    with pytest.raises(KeyError, match=missing):
        window_of(_op(**options))
