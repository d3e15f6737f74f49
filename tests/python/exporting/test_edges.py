"""Edge cases of samples, and the ranges that they have to be proved for."""

import numpy as np
import pytest

from aios.bundle.manifest import SignatureRecord, TensorRecord
from aios.exporting.edges import required_ranges, with_edges
from aios.exporting.samples import drawn

X = np.array([[[1, -2, 3, 0.5]], [[4, 4, 4, 4]]], np.float32)


def _edges(samples, asked=None):
    edges = with_edges(samples, asked or {})
    count = len(next(iter(samples.values())))
    return {name: array[count:] for name, array in edges.arrays.items()}, edges


def test_edges_grow_from_zero_to_what_nobody_measures_and_end_in_nan():
    found, edges = _edges({"x": X})
    rows = found["x"][:, 0]
    assert edges.near == 2 + 3
    assert edges.probes == 3
    assert not rows[:3].round(30).any()
    reach = np.abs(rows[:-3]).max(axis=1)
    np.testing.assert_array_equal(np.sort(reach[7:]), reach[7:])
    assert reach[-1] == np.float32(1e30)
    assert np.isnan(rows[-3]).tolist() == [True, False, True, False]
    assert rows[-1].tolist() == [-np.inf, -2, -np.inf, 0.5]


def test_all_inputs_of_floats_change_alike_and_others_keep_their_own_values():
    ids = np.array([[7], [9]], np.int64)
    found, _ = _edges({"x": X, "ids": ids, "y": X[:, 0, :1].astype(np.float64)})
    assert set(found["ids"].ravel()) == {7, 9}
    assert len(found["ids"]) == len(found["x"]) == len(found["y"])
    assert found["y"][-4, 0] == -1e30


def test_without_floats_there_are_no_edges():
    ids = np.array([[7], [9]], np.int64)
    edges = with_edges({"ids": ids}, {})
    assert (edges.near, edges.probes) == (2, 0)
    np.testing.assert_array_equal(edges.arrays["ids"], ids)


def test_nothing_but_probes_leaves_the_range_that_is_asked_for_and_its_ends_are_asked():
    found, edges = _edges({"x": X, "y": X}, {"x": (-3.0, 1e6)})
    finite = found["x"][: -edges.probes]
    assert (finite.min(), finite.max()) == (-3, 1e6)
    assert any((row == 1e6).all() for row in finite)
    assert np.nanmin(found["y"]) == -np.inf
    assert len({row.tobytes() for row in finite[3:]}) <= len(finite)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_edges_are_finite_in_every_float_type(dtype):
    from aios.bundle.dtypes import numpy_dtype

    kind = numpy_dtype(dtype)
    samples = {"x": (X * 1000).astype(kind)}
    found, edges = _edges(samples)
    assert found["x"].dtype == kind
    assert np.isfinite(found["x"][: -edges.probes]).all()
    low, high = required_ranges(samples, {})["x"]
    assert -low == high >= 4e5 * 0.99 or dtype == "float16"
    assert np.abs(found["x"][5:7].astype(np.float64)).max() <= high


def test_a_hundred_times_the_samples_has_to_be_proved_unless_a_range_is_asked_for():
    samples = {"x": X, "y": np.float32([[np.nan, 0.1]]), "n": np.int32([[5]])}
    ranges = required_ranges(samples, {"y": (-1.0, 0.1)})
    assert ranges == {"x": (-400.0, 400.0), "y": (-1.0, float(np.float32(0.1)))}
    assert required_ranges({"x": 0 * X}, {}) == {"x": (-1.0, 1.0)}


@pytest.mark.parametrize(("low", "high"), [(0.0, 255.0), (-1e6, 1e6), (-0.5, 0.5), (9.0, 9.5)])
def test_drawn_samples_lie_in_the_range_and_differ(low, high):
    spec = TensorRecord("x", "float32", (-1, 3))
    x = drawn(SignatureRecord("s", (spec,), (spec,)), (), {"x": (low, high)}).arrays["x"]
    assert x.min() >= low
    assert x.max() <= high
    assert len(np.unique(x)) > 90
