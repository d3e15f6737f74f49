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
    """Returns the window of a convolution or a pool.

    Raises:
        KeyError: The options have no padding or no strides.
    """
    given = op.options

    def sizes(*names: str) -> tuple[int, int, int]:
        depth, rows, columns = (int(given.get(name) or 1) for name in names)
        return depth, rows, columns

    return Window(
        given["padding"] == _SAME,
        (int(given.get("stride_d") or 1), int(given["stride_h"]), int(given["stride_w"])),
        sizes("dilation_d_factor", "dilation_h_factor", "dilation_w_factor"),
        sizes("filter_depth", "filter_height", "filter_width"),
    )
