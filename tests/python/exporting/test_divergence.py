"""The layer in which an artifact first goes wrong."""

import numpy as np
import pytest
from exported import artifact_of

import aios
from aios.bundle.manifest import Tolerance
from aios.exporting.engines import litert

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


class _Diverging:
    """Corrupts the weights of one layer wherever a model is frozen."""

    def __init__(self, kernel):
        from aios.exporting.freezing import freeze

        self._kernel, self._freeze = kernel, freeze

    def __call__(self, function):
        frozen = self._freeze(function)
        for node in frozen.graph_def.node:
            if node.op == "Const":
                value = tf.make_ndarray(node.attr["value"].tensor)
                if value.shape == self._kernel.shape and np.array_equal(value, self._kernel):
                    changed = value.copy()
                    changed.flat[0] += 0.5
                    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(changed))
        return frozen


def _sequential():
    return keras.Sequential(
        [
            keras.Input((6,), name="x"),
            layers.Dense(8, activation="tanh", name="first"),
            layers.Dense(8, activation="tanh", name="second"),
            layers.Dense(8, activation="tanh", name="third"),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(3, name="last"),
        ]
    )


def _branching():
    inputs = keras.Input((6,), name="x")
    left = layers.Dense(8, name="left")(inputs)
    left = layers.Dense(8, name="left_2")(left)
    right = layers.Dense(8, name="right")(inputs)
    joined = layers.Add(name="join")([left, right])
    return keras.Model(inputs, layers.Dense(3, name="last")(joined))


@pytest.mark.parametrize(
    ("build", "layer"),
    [(_sequential, "first"), (_sequential, "third"), (_branching, "left_2"), (_branching, "last")],
)
def test_the_first_diverging_layer_is_named(tmp_path, monkeypatch, build, layer):
    model = build()
    kernel = np.asarray(model.get_layer(layer).kernel)
    monkeypatch.setattr("aios.exporting.sources.base.freeze", _Diverging(kernel))
    with pytest.raises(
        aios.FailedPreconditionError,
        match=rf"litert failed: .*it first diverges in layer '{layer}' \(Dense\)",
    ):
        aios.export(model, tmp_path / "m.cell", engines="litert")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_engine_is_reported_beside_one_that_passed(tmp_path, monkeypatch):
    model = _sequential()
    kernel = np.asarray(model.get_layer("second").kernel)
    corrupt = _Diverging(kernel)
    real = litert.make

    def make_corrupted(work, source, golden, tolerance, prover):
        wrong = type(source)(source.model)
        wrong.__dict__.update(source.__dict__)
        wrong._frozen = {name: corrupt(function) for name, function in source._functions.items()}
        return real(work, wrong, golden, tolerance, prover)

    monkeypatch.setitem(aios.exporting.engines.MAKERS, "litert", make_corrupted)
    with pytest.warns(UserWarning, match="'second'"):
        report = aios.export(model, tmp_path / "m.cell")
    assert report.diverging_layers == {"litert": "'second' (Dense)"}
    assert report.errors.keys() == {"tensorflow"}
    failed = artifact_of(tmp_path / "m.cell", "litert")
    assert failed.verdict == "failed"
    assert failed.worst > 1
    assert failed.tolerance == Tolerance()
    with aios.load(tmp_path / "m.cell") as bridge:
        assert bridge.engine == "tensorflow"
    with pytest.raises(aios.NotFoundError, match="second"):
        aios.load(tmp_path / "m.cell", engine="litert")
