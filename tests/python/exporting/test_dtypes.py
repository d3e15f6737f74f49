"""Every dtype of a signature survives the export, and strings their layout on disk."""

import numpy as np
import pytest
from cores import pure_python

import aios

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")
INTEGERS = ["int8", "int16", "int32", "int64", "uint8"]


def _module(dtype, compute):
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3], dtype, name="x")])
        def __call__(self, x):
            return compute(x)

    return Module()


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_answered_exactly(tmp_path, dtype):
    limits = np.iinfo(dtype)
    x = np.array([[limits.min, 0, limits.max], [1, 2, 3], [7, 5, 3]], dtype)
    report = aios.export(
        _module(dtype, lambda x: tf.reverse(x, [1])), tmp_path / "m.cell", samples=x
    )
    assert "tensorflow" in report.errors
    for engine in report.errors:
        with aios.load(tmp_path / "m.cell", engine=engine) as bridge:
            answer = bridge.perform_inference(x)
        assert answer.dtype == dtype
        np.testing.assert_array_equal(answer, x[:, ::-1])


def test_bools_are_answered_exactly(tmp_path):
    x = np.array([[True, False, True], [False, False, True]])
    report = aios.export(_module("bool", tf.logical_not), tmp_path / "m.cell", samples=x)
    assert report.errors.keys() == {"litert", "tensorflow"}
    for engine in report.errors:
        with aios.load(tmp_path / "m.cell", engine=engine) as bridge:
            np.testing.assert_array_equal(bridge.perform_inference(x), ~x)


@pytest.mark.parametrize(("dtype", "error"), [("float16", 2e-3), ("float64", 1e-9)])
def test_other_floats_keep_their_precision(tmp_path, dtype, error):
    x = np.random.default_rng(0).standard_normal((6, 3)).astype(dtype)
    weights = np.random.default_rng(1).standard_normal((3, 2)).astype(dtype)
    report = aios.export(
        _module(dtype, lambda x: tf.matmul(x, weights)), tmp_path / "m.cell", samples=x
    )
    assert "tensorflow" in report.errors
    for engine in report.errors:
        with aios.load(tmp_path / "m.cell", engine=engine) as bridge:
            answer = bridge.perform_inference(x)
        assert answer.dtype == dtype
        np.testing.assert_allclose(answer, (x @ weights), atol=error, rtol=error)


@pytest.mark.filterwarnings("ignore::aios.PurePythonWarning")
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_tensors_of_16_bits_pass_the_bridge_and_the_fallback(tmp_path, dtype):
    from aios.bundle.dtypes import numpy_dtype

    half = numpy_dtype(dtype)
    x = np.arange(-6, 6, dtype=np.float32).reshape(4, 3).astype(half)
    report = aios.export(_module(dtype, lambda x: x * 3), tmp_path / "m.cell", samples=x)
    assert "tensorflow" in report.errors
    pure = pure_python().load(tmp_path / "m.cell", engine="tensorflow", verify="full")
    with aios.load(tmp_path / "m.cell", engine="tensorflow", verify="full") as bridge:
        for cell in (bridge, pure):
            answer = cell.perform_inference(x)
            assert answer.dtype == half
            np.testing.assert_array_equal(answer.astype(np.float32), x.astype(np.float32) * 3)
            out = aios.empty(x.shape, half)
            cell.perform_inference(x.astype(np.float32), out=out, copy=True)
            np.testing.assert_array_equal(out, answer)
            with pytest.raises(aios.InvalidArgumentError, match=f"expected {dtype}.*got float32"):
                cell.perform_inference(x.astype(np.float32))


def test_a_dtype_that_no_engine_has_is_unsupported_by_name(tmp_path):
    module = _module("complex64", tf.identity)
    with pytest.raises(aios.UnsupportedError, match="tensor 'x' is complex64"):
        aios.export(module, tmp_path / "m.cell")
    assert list(tmp_path.iterdir()) == []


def test_samples_that_do_not_fit_an_integers_range_are_refused(tmp_path):
    module = _module("int8", tf.identity)
    with pytest.raises(aios.InvalidArgumentError, match="don't fit int8"):
        aios.export(module, tmp_path / "m.cell", samples=np.full((2, 3), 300))
