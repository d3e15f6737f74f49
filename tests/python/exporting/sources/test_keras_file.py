"""Files of Keras are exported, those of Keras 2 too, or refused with what to do."""

import json
import sys
import zipfile

import numpy as np
import pytest
from exported import normal
from tolerance import assert_within_tolerance

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
layers = keras.layers
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def _model(*kinds):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((6, 6, 2), name="x"), *kinds])


def _as_of_keras2(source, target, **strange):
    """The file as Keras 2.15 described its layers, with arguments that Keras 3 has dropped."""

    def described(config):
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "DepthwiseConv2D":
                layer["config"] |= {"groups": 1, **strange}
            if layer["class_name"] == "GRU":
                layer["config"] |= {"time_major": False, "implementation": 2}
        return json.dumps(config)

    if target.suffix == ".h5":
        import h5py

        target.write_bytes(source.read_bytes())
        with h5py.File(target, "r+") as file:
            file.attrs["model_config"] = described(json.loads(file.attrs["model_config"]))
            file.attrs["keras_version"] = "2.15.0"
        return
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = described(json.loads(content))
            if name == "metadata.json":
                content = json.dumps({"keras_version": "2.15.0"})
            new.writestr(name, content)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_file_of_keras_2_is_read_without_the_arguments_that_are_gone(tmp_path, suffix):
    model = _model(layers.DepthwiseConv2D(3), layers.Reshape((4, 8)), layers.GRU(3))
    model.save(tmp_path / f"new{suffix}")
    _as_of_keras2(tmp_path / f"new{suffix}", tmp_path / f"old{suffix}")
    aios.export(tmp_path / f"old{suffix}", tmp_path / "m.cell", engines="tensorflow")
    x = normal(3, 6, 6, 2)
    with aios.load(tmp_path / "m.cell") as bridge:
        assert_within_tolerance(bridge.perform_inference(x), np.asarray(model(x)))


def test_a_file_that_only_keras_2_reads_names_the_package_for_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf_keras", None)
    _model(layers.DepthwiseConv2D(3)).save(tmp_path / "new.h5")
    _as_of_keras2(tmp_path / "new.h5", tmp_path / "old.h5", renorm=7)
    with pytest.raises(
        aios.InvalidArgumentError,
        match=r"which Keras 2\.15\.0 wrote; install tf_keras \(pip install .*\).*\{'renorm': 7\}",
    ):
        aios.export(tmp_path / "old.h5", tmp_path / "m.cell")


class _Own(layers.Layer):
    def call(self, x):
        return x * 2


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_layer_that_keras_does_not_know_is_named(tmp_path, suffix):
    path = tmp_path / f"own{suffix}"
    _model(_Own()).save(path)
    with pytest.raises(
        aios.InvalidArgumentError, match="doesn't know '_Own'; register that .*custom_objects="
    ):
        aios.export(path, tmp_path / "m.cell")


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_lambda_is_run_only_by_who_trusts_the_file(tmp_path, suffix):
    path = tmp_path / f"lambda{suffix}"
    model = _model(layers.Lambda(lambda x: x * 2))
    model.save(path)
    with pytest.raises(aios.InvalidArgumentError, match="Lambda .*safe_mode=False") as caught:
        aios.export(path, tmp_path / "m.cell")
    assert "register" not in str(caught.value).split("; or")[0]
    aios.export(model, tmp_path / "m.cell", engines="tensorflow")
    x = normal(2, 6, 6, 2)
    with aios.load(tmp_path / "m.cell") as bridge:
        np.testing.assert_array_equal(bridge.perform_inference(x), x * 2)


def test_a_file_without_a_model_says_what_it_is(tmp_path):
    model = _model(layers.Flatten(), layers.Dense(2))
    model.save_weights(tmp_path / "only.weights.h5")
    for name, content, message in (
        ("only.weights.h5", None, "holds weights without a model; build the model"),
        ("broken.keras", b"PK no archive", "damaged, or not a zip archive .*save the model again"),
        ("broken.h5", b"no file of that kind", "damaged, or not an HDF5 file"),
    ):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(aios.InvalidArgumentError, match=message):
            aios.export(tmp_path / name, tmp_path / "m.cell")


@pytest.fixture(scope="module")
def keras2():
    return pytest.importorskip(
        "tf_keras", reason="needs tf_keras: pip install --no-deps tf_keras, of TensorFlow's version"
    )


def test_a_file_that_only_keras_2_reads_is_loaded_by_it(tmp_path, keras2):
    model = keras2.Sequential(
        [keras2.layers.InputLayer((4, 2)), keras2.layers.LocallyConnected1D(3, 2)]
    )
    model.save(tmp_path / "old.h5")
    aios.export(tmp_path / "old.h5", tmp_path / "m.cell", engines="tensorflow")
    x = normal(3, 4, 2)
    with aios.load(tmp_path / "m.cell") as bridge:
        assert_within_tolerance(bridge.perform_inference(x), model(x).numpy())
