"""Models whose inner sizes vary: every engine that serves one answers other lengths rightly."""

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bridge.engines import library_path

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")

pytestmark = pytest.mark.native

ENGINES = ("litert", "openvino", "tensorflow")


class _Positions(tf.Module):
    """Adds a row to each step, and tells the mean: the graph calculates with the length."""

    def __init__(self):
        super().__init__()
        rows = np.random.default_rng(0).standard_normal((2048, 4))
        self.rows = tf.Variable(rows.astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, None, 4], tf.float32, name="x")])
    def __call__(self, x):
        y = x + self.rows[: tf.shape(x)[1]]
        return {"steps": y, "mean": tf.reduce_mean(y, 1)}


@pytest.fixture(scope="module")
def positions(tmp_path_factory):
    model = _Positions()
    bundle = tmp_path_factory.mktemp("positions") / "m.cell"
    aios.export(model, bundle, samples=_x(8, 6)["x"], engines=ENGINES)
    return model, bundle


def _x(batch, length):
    rng = np.random.default_rng(batch + 100 * length)
    return {"x": rng.standard_normal((batch, length, 4)).astype(np.float32)}


@pytest.mark.parametrize("engine", ["auto", *ENGINES])
def test_other_lengths_and_batches_are_answered(positions, engine):
    model, bundle = positions
    if engine != "auto" and not library_path(engine):
        pytest.skip(f"{engine} isn't installed: pip install aios-cells[{engine}]")
    with aios.load(bundle, engine=engine) as bridge:
        for batch, length in ((1, 6), (1, 9), (3, 2), (11, 6), (9, 2000), (1, 6)):
            answers = bridge.perform_inference(_x(batch, length))
            expected = model(**_x(batch, length))
            for name in ("steps", "mean"):
                assert_within_tolerance(answers[name], np.asarray(expected[name]))


def test_memory_of_the_callers_own_is_filled_at_any_length(positions):
    model, bundle = positions
    out = {"steps": np.empty((2, 9, 4), np.float32), "mean": np.empty((2, 4), np.float32)}
    wrong = {**out, "steps": np.empty((2, 8, 4), np.float32)}
    for engine in ENGINES:
        with aios.load(bundle, engine=engine) as bridge:
            bridge.perform_inference(_x(2, 9), out=out)
            assert_within_tolerance(out["steps"], np.asarray(model(**_x(2, 9))["steps"]))
            with pytest.raises(aios.InvalidArgumentError, match=r"the answer is .*9,4\]"):
                bridge.perform_inference(_x(2, 9), out=wrong)
