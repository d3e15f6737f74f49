"""The file's options of an operator, as classes."""

from aios.compiler.graph import Operator
from aios.compiler.options import (
    Window,
    activation_code,
    adjoints_of,
    axis_of,
    batch_dims_of,
    window_of,
)


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


def test_strides_that_no_file_leaves_out_have_no_default_that_could_be_meant():
    assert window_of(_op()).stride_2d == (0, 0)


def test_options_that_the_file_leaves_out_are_the_schemas_defaults():
    bare = Operator("GATHER", (0, 1), (2,))
    assert (activation_code(bare), axis_of(bare), axis_of(bare, -1), batch_dims_of(bare)) == (
        0, 0, -1, 0,
    )  # fmt: skip
    assert adjoints_of(bare) == (False, False)
    full = _op(fused_activation_function=3, axis=-2, batch_dims=1, adj_x=True, adj_y=0)
    assert (activation_code(full), axis_of(full), batch_dims_of(full)) == (3, -2, 1)
    assert adjoints_of(full) == (True, False)
