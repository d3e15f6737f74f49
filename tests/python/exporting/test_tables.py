"""Look-up tables in what is exported."""

import numpy as np
import pytest

import aios

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def test_labels_are_answered_by_a_table_after_a_network(tmp_path):
    class Labelled(tf.Module):
        def __init__(self):
            super().__init__()
            names = tf.lookup.KeyValueTensorInitializer(tf.range(2, dtype=tf.int64), ["no", "yes"])
            self.names = tf.lookup.StaticHashTable(names, "?")

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
        def __call__(self, x):
            return {"label": self.names.lookup(tf.argmax(x, -1)), "scores": tf.nn.softmax(x)}

    report = aios.export(Labelled(), tmp_path / "m.cell")
    assert report.errors.keys() == {"tensorflow"}
    x = np.array([[0, 1], [3, 2], [-1, 1]], np.float32)
    with aios.load(tmp_path / "m.cell") as bridge:
        labels = bridge.perform_inference({"x": x})["label"]
    assert labels.tolist() == [b"yes", b"no", b"yes"]
