"""Mixed precision: 16-bit arithmetic in training, a float32 bundle."""

import numpy as np
import pytest
from blobs import blobs, new_cell
from tolerance import assert_within_tolerance

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", True])
def test_training_computes_in_16_bits_and_exports_float32(tmp_path, policy):
    x, y = blobs()
    cell = new_cell(mixed_precision=policy, learning_rate=0.02, epochs=8)
    cell.create_model((5,), 3)
    hidden = cell.model.layers[1]
    assert hidden.compute_dtype == ("bfloat16" if policy is True else policy[6:])
    assert hidden.kernel.dtype == "float32"
    assert cell.model.layers[-1].compute_dtype == "float32"
    report = cell.train(x[:200], y[:200], x[200:], y[200:])
    assert report.metrics["val_accuracy"] > 0.9
    cell.export_for_cpp_inference(tmp_path / "m.cell", engines="litert")
    assert hidden.compute_dtype != "float32"
    exact = keras.Sequential([keras.Input((5,)), *[_plain(layer) for layer in cell.model.layers]])
    exact.set_weights(cell.model.get_weights())
    with aios.load(tmp_path / "m.cell") as bridge:
        assert_within_tolerance(bridge.perform_inference(x[:8]), np.asarray(exact(x[:8])))


def _plain(layer):
    config = {**layer.get_config(), "dtype": "float32"}
    return type(layer).from_config(config)


def test_a_resumed_mixed_training_keeps_its_loss_scale(tmp_path):
    x, y = blobs()

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    options = {"mixed_precision": "mixed_float16", "checkpoint_dir": tmp_path, "epochs": 3}
    first = new_cell(**options)
    first.create_model((5,), 3)
    with pytest.raises(KeyboardInterrupt):
        first.train(x, y, callbacks=[Interrupt()])
    second = new_cell(**options)
    second.create_model((5,), 3)
    assert second.train(x, y).resumed_from == 2
    assert int(second.model.optimizer.inner_optimizer.iterations) == 3 * 10


def test_a_compiled_model_is_refused():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(aios.InvalidArgumentError, match="mixed_precision.*isn't compiled"):
        new_cell(mixed_precision=True).use_model(model)


@pytest.mark.parametrize("kind", ["lstm", "attention"])
def test_composite_layers_follow(kind, tmp_path):
    source = keras.Input((6, 4), name="x")
    inner = (
        keras.layers.LSTM(8)(source)
        if kind == "lstm"
        else keras.layers.Flatten()(keras.layers.MultiHeadAttention(2, 4)(source, source))
    )
    model = keras.Model(source, keras.layers.Dense(2, "softmax")(inner))
    generator = np.random.default_rng(0)
    x = generator.standard_normal((40, 6, 4)).astype(np.float32)
    cell = new_cell(mixed_precision="mixed_bfloat16", epochs=1)
    cell.use_model(model)
    cell.train(x, (x[:, 0, 0] > 0).astype(int))
    assert cell.model(x[:2]).dtype == "float32"
