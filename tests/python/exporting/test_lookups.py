"""Look-ups of integers become arithmetic."""

import numpy as np
import pytest

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.usefixtures("borrowed_engines")
_LIMITS = np.iinfo(np.int64)
_TABLES = {
    "near one another": (
        [3, 5, 9],
        [1.5, -2.0, 4.0],
        [2, 3, 4, 5, 9, 10, _LIMITS.min, _LIMITS.max],
    ),
    "far apart": (
        [-(10**12), 0, 7, 10**15],
        [1, 2, 3, 4],
        [0, 7, 8, -(10**12), 10**15, 10**15 + 1],
    ),
    "at the ends": ([_LIMITS.min, _LIMITS.max], [1, 2], [_LIMITS.min, _LIMITS.max, 0, -1]),
}


@pytest.mark.parametrize("kind", _TABLES)
def test_integers_are_looked_up_by_arithmetic(tmp_path, kind):
    keys, values, asked = _TABLES[kind]
    values = tf.constant(values)
    entries = tf.lookup.KeyValueTensorInitializer(tf.constant(keys, tf.int64), values)
    table = tf.lookup.StaticHashTable(entries, tf.cast(77, values.dtype))

    class Lookup(tf.Module):
        def __init__(self):
            super().__init__()
            self.table = table

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.int64, name="code")])
        def __call__(self, code):
            return self.table.lookup(code)

    codes = np.array(asked, np.int64).reshape(-1, 2)
    report = aios.export(Lookup(), tmp_path / "m.cell", samples=codes)
    assert report.errors.keys() == {"litert", "tensorflow"}
    (graph,) = read_manifest(tmp_path / "m.cell").artifacts[-1].graphs
    assert graph.path == "tensorflow/serving_default.pb"
    for engine in report.errors:
        with aios.load(tmp_path / "m.cell", engine=engine) as bridge:
            np.testing.assert_array_equal(
                bridge.perform_inference(codes), table.lookup(tf.constant(codes))
            )
