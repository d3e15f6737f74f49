"""What the file's options of an operator say, as classes: the only place that knows their names.

The names are those of TensorFlow Lite's schema in snake case, which operators that are adopted from
TensorFlow get, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from aios.compiler.graph import Operator

# The schema's Padding.
_SAME = 0


@dataclass(frozen=True, slots=True)
class Window:
    """How a convolution or a pool walks; sizes are of depth, rows and columns.

    Attributes:
        same: Whether the image is padded so that a stride of 1 keeps its size; else not at all.
        stride: From one position to the next.
        dilation: From one element of a filter to the next.
        size: Of a pool's window; 1 where the file says none.
    """

    same: bool
    stride: tuple[int, int, int]
    dilation: tuple[int, int, int]
    size: tuple[int, int, int]

    @property
    def stride_2d(self) -> tuple[int, int]:
        """Of rows and columns."""
        return self.stride[1:]

    @property
    def dilation_2d(self) -> tuple[int, int]:
        """Of rows and columns."""
        return self.dilation[1:]


def window_of(op: Operator) -> Window:
    """Returns the window of a convolution or a pool; a stride that no file leaves out is 0 then."""
    given = op.options

    def sizes(*names: str) -> tuple[int, int, int]:
        depth, rows, columns = (int(given.get(name) or 1) for name in names)
        return depth, rows, columns

    return Window(
        given.get("padding", _SAME) == _SAME,
        (
            int(given.get("stride_d") or 1),
            int(given.get("stride_h", 0)),
            int(given.get("stride_w", 0)),
        ),
        sizes("dilation_d_factor", "dilation_h_factor", "dilation_w_factor"),
        sizes("filter_depth", "filter_height", "filter_width"),
    )


def activation_code(op: Operator) -> int:
    """Returns the schema's ActivationFunctionType that the converter fused; 0 for none."""
    return int(op.options.get("fused_activation_function", 0))


def axis_of(op: Operator, default: int = 0) -> int:
    """Returns the dimension that an operator works on, which may count from the end."""
    return int(op.options.get("axis", default))


def batch_dims_of(op: Operator) -> int:
    """Returns how many leading dimensions a gather takes together, which may count from the end."""
    return int(op.options.get("batch_dims", 0))


def adjoints_of(op: Operator) -> tuple[bool, bool]:
    """Returns whether the left and the right matrix of a product are turned."""
    return bool(op.options.get("adj_x")), bool(op.options.get("adj_y"))
