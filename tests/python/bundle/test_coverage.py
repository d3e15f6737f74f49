"""Which samples lie in ranges, and how far missed ones narrow those."""

import numpy as np
import pytest

from aios.bundle.coverage import proven_ranges, rows_inside

# One value a call: in range, then further and further out.
CALLS = {"x": np.array([0, 50, -100, -9999, 1e9, -1e9, 1e30, -1e30])[:, None]}
REQUIRED = {"x": (-100.0, 100.0)}


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ((), (-1e30, 1e30)),
        ((6, 7), (-1e9, 1e9)),
        ((6,), (-1e30, 1e9)),
        ((3,), (-100, 1e30)),
        ((3, 4), (-100, 100)),
        ((5, 6), (-9999, 1e9)),
    ],
)
def test_the_proven_range_reaches_up_to_what_was_missed(missed, expected):
    assert proven_ranges(REQUIRED, CALLS, missed) == {"x": expected}


def test_inputs_that_change_together_are_narrowed_together():
    calls = {"x": CALLS["x"], "y": CALLS["x"][::-1] * 0}
    required = {"x": (-100.0, 100.0), "y": (0.0, 0.0)}
    assert proven_ranges(required, calls, (6, 7)) == {"x": (-1e9, 1e9), "y": (0.0, 0.0)}
    assert proven_ranges({}, {"ids": np.arange(3)}, ()) == {}


def test_values_that_are_not_finite_lie_in_any_range():
    x = np.array([[np.nan, 1], [np.inf, 3], [-np.inf, -np.inf]], np.float32)
    assert rows_inside({"x": x}, {"x": (0, 2)}).tolist() == [True, False, True]
    assert rows_inside({"x": x}, {"other": (0, 2)}).all()
