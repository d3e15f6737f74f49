"""The engine openvino: answers, threads, bound memory, limits and remedies."""

import json
import os
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bridge.engines import library_path
from aios.bundle.manifest import read_manifest, write_manifest

pytestmark = pytest.mark.skipif(
    not (library_path("openvino") or os.environ.get("AIOS_OPENVINO_LIBRARY")),
    reason="openvino isn't installed: pip install aios-cells[openvino]",
)

BATCHES = (1, 7, 32)


def _dense(layers, keras):
    return keras.Sequential(
        [keras.Input((10,)), layers.Dense(24, activation="gelu"), layers.Dense(3, "softmax")]
    )


def _convolution(layers, keras):
    return keras.Sequential(
        [
            keras.Input((12, 12, 2)),
            layers.Conv2D(6, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4),
        ]
    )


def _recurrent(layers, keras):
    return keras.Sequential([keras.Input((9, 5)), layers.LSTM(8), layers.Dense(2)])


def _attention(layers, keras):
    x = keras.Input((6, 16))
    y = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 8)(x, x))
    return keras.Model(x, layers.Dense(3)(y))


def _many(layers, keras):
    a = keras.Input((4,), name="a")
    b = keras.Input((6,), name="b")
    joined = layers.Concatenate()([layers.Dense(5)(a), b])
    outputs = {"sum": layers.Dense(2)(joined), "scale": layers.Dense(3, "sigmoid")(b)}
    return keras.Model({"a": a, "b": b}, outputs)


def _integers(layers, keras):
    ids = keras.Input((5,), dtype="int32")
    return keras.Model(ids, layers.Dense(3)(layers.Flatten()(layers.Embedding(2, 6)(ids))))


KINDS = {
    kind.__name__[1:]: kind
    for kind in (_dense, _convolution, _recurrent, _attention, _many, _integers)
}


@pytest.fixture(scope="module", params=list(KINDS))
def exported(request, tmp_path_factory):
    """A model and its bundle for this engine alone."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    model = KINDS[request.param](layers, keras)
    bundle = tmp_path_factory.mktemp(request.param) / "m.cell"
    aios.export(model, bundle, engines=("openvino",))
    return model, bundle


def _inputs(signature, batch, seed=0):
    rng = np.random.default_rng(seed)
    return {
        spec.name: rng.integers(0, 2, (batch, *spec.shape[1:])).astype(spec.dtype)
        if spec.dtype.startswith("int")
        else rng.normal(size=(batch, *spec.shape[1:])).astype(spec.dtype)
        for spec in signature.inputs
    }


def _expected(model, inputs):
    answers = model(inputs if len(inputs) > 1 else next(iter(inputs.values())), training=False)
    if isinstance(answers, dict):
        return {name: np.asarray(answer) for name, answer in answers.items()}
    return {"output_0": np.asarray(answers)}


def _artifact(bundle):
    manifest = json.loads((bundle / "manifest.json").read_text())
    (found,) = [entry for entry in manifest["artifacts"] if entry["engine"] == "openvino"]
    return found


@pytest.fixture(scope="module")
def digits_on_openvino(digits, tmp_path_factory):
    bundle = tmp_path_factory.mktemp("ov") / "digits.cell"
    aios.export(digits.model, bundle, engines=("litert", "openvino"))
    return bundle


def test_answers_are_the_training_models_for_every_kind_and_batch(exported):
    model, bundle = exported
    with aios.load(bundle, engine="openvino") as bridge:
        for batch in BATCHES:
            inputs = _inputs(bridge.signature, batch)
            before = {name: array.copy() for name, array in inputs.items()}
            answers = bridge.perform_inference(inputs)
            for name, expected in _expected(model, inputs).items():
                assert_within_tolerance(answers[name], expected)
            for name, array in inputs.items():
                np.testing.assert_array_equal(array, before[name])


def test_closing_ends_the_threads_that_openvino_keeps(digits, digits_on_openvino):
    def count():
        return len(os.listdir("/proc/self/task"))

    x = digits.x_test[:1]
    with aios.load(digits_on_openvino, engine="openvino") as bridge:
        bridge.perform_inference(x)
    before = count()
    bridges = [aios.load(digits_on_openvino, engine="openvino") for _ in range(4)]
    for bridge in bridges:
        bridge.perform_inference(x)
    open_ = count()
    for bridge in bridges:
        bridge.close()
    assert open_ >= before + 4
    assert count() <= before


@pytest.mark.parametrize("exported", ["many"], indirect=True)
def test_two_names_of_one_tensor_are_refused(exported, tmp_path):
    bundle = shutil.copytree(exported[1], tmp_path / "m.cell")
    manifest = read_manifest(bundle)
    (artifact,) = manifest.artifacts
    shared = tuple(
        replace(graph, outputs=dict.fromkeys(graph.outputs, graph.outputs["sum"]))
        for graph in artifact.graphs
    )
    write_manifest(bundle, replace(manifest, artifacts=(replace(artifact, graphs=shared),)))
    with pytest.raises(aios.UnsupportedError, match=r"'\w+' and '\w+' are the same tensor"):
        aios.load(bundle, engine="openvino")


def test_eight_threads_get_the_answers_of_one(exported):
    model, bundle = exported
    failures = []
    with aios.load(bundle, engine="openvino") as bridge:
        calls = [_inputs(bridge.signature, 1 + seed % 3, seed) for seed in range(8)]
        expected = [_expected(model, inputs) for inputs in calls]

        def ask(index):
            try:
                for _ in range(100):
                    answers = bridge.perform_inference(calls[index])
                    for name, reference in expected[index].items():
                        assert_within_tolerance(answers[name], reference)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=ask, args=(index,)) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert failures == []


def test_the_artifact_shares_the_files_of_litert_and_says_its_precision(digits_on_openvino):
    artifact = _artifact(digits_on_openvino)
    assert (artifact["verdict"], artifact["precision"]) == ("passed", "float32")
    assert [file["path"] for file in artifact["files"]] == ["litert/dynamic.tflite"]
    assert artifact["graphs"][0]["inputs"].keys() == {"x"}
    assert not (digits_on_openvino / "openvino").exists()


def test_memory_of_any_alignment_is_bound_without_a_copy(digits_on_openvino, digits):
    expected = np.asarray(digits.model(digits.x_test[:5], training=False))
    with aios.load(digits_on_openvino, engine="openvino") as bridge:
        for offset in (0, 4, 20, 60):
            raw = np.zeros(5 * 64 * 4 + 128, np.uint8)
            start = (-raw.ctypes.data) % 64 + offset
            x = raw[start : start + 5 * 64 * 4].view(np.float32).reshape(5, 64)
            x[:] = digits.x_test[:5]
            out = np.empty((5, 10), np.float32)
            assert_within_tolerance(bridge.perform_inference(x, out=out), expected)
        (metrics,) = bridge.metrics().signatures
    assert metrics.staged_bytes == 0


def test_memory_that_changes_at_the_same_address_is_read_again(digits_on_openvino, digits):
    with aios.load(digits_on_openvino, engine="openvino") as bridge:
        x = digits.x_test[:1].copy()
        call = bridge.bind(x)
        for row in range(5):
            x[:] = digits.x_test[row]
            expected = np.asarray(digits.model(digits.x_test[row : row + 1], training=False))
            assert_within_tolerance(call(), expected)


def test_a_graph_that_only_the_saved_model_has_is_taken_from_there(tmp_path, monkeypatch):
    import keras

    from aios.exporting.engines import litert

    def refused(*_, **__):
        raise aios.UnsupportedError("no .tflite form")

    monkeypatch.setattr(litert, "write_graphs", refused)
    model = keras.Sequential([keras.Input((9, 5)), keras.layers.LSTM(8)])
    aios.export(model, tmp_path / "m.cell", engines=("openvino",))
    artifact = _artifact(tmp_path / "m.cell")
    assert artifact["graphs"][0]["path"] == "saved_model"
    with aios.load(tmp_path / "m.cell", engine="openvino") as bridge:
        for batch in BATCHES:
            inputs = _inputs(bridge.signature, batch)
            answers = bridge.perform_inference(inputs)
            for name, expected in _expected(model, inputs).items():
                assert_within_tolerance(answers[name], expected)


def test_strings_and_several_signatures_are_declined_by_name(tmp_path):
    import tensorflow as tf

    class Text(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
        def __call__(self, text):
            return tf.strings.length(text)

    aios.export(
        Text(),
        tmp_path / "text.cell",
        samples={"text": np.array(["a", "bcd"])},
        engines=("openvino", "tensorflow"),
    )
    artifact = _artifact(tmp_path / "text.cell")
    assert artifact["verdict"] == "declined"
    assert "tensor 'text' is of strings" in artifact["reason"]


def test_one_thread_means_one_thread(digits_on_openvino, run_python):
    """CPU time of each thread of a process whose calls are large enough to be split."""
    code = f"""
import numpy as np, os, aios
def spent():
    times = {{}}
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{{task}}/schedstat") as file:
            times[int(task)] = int(file.read().split()[0])
    return times
x = np.zeros((4096, 64), np.float32)
with aios.load({str(digits_on_openvino)!r}, engine="openvino", threads=1) as bridge:
    bridge.perform_inference(x)
    before = spent()
    for _ in range(100):
        bridge.perform_inference(x)
    after = spent()
own = after[os.getpid()] - before[os.getpid()]
others = sum(after[task] - before.get(task, 0) for task in after) - own
print(others / own, len(os.sched_getaffinity(0)))
"""
    ratio, cpus = run_python(code).split()
    assert float(ratio) < 0.05
    assert int(cpus) == len(os.sched_getaffinity(0))


def test_a_missing_library_names_the_extra(digits_on_openvino, monkeypatch):
    monkeypatch.setattr(
        "aios.bridge.bridge.library_paths", lambda: {"openvino": "/nowhere/libopenvino_c.so"}
    )
    with pytest.raises(aios.NotFoundError, match=r"pip install aios-cells\[openvino\]"):
        aios.load(digits_on_openvino, engine="openvino")


def test_a_library_of_something_else_is_refused_by_the_symbol_it_lacks(
    digits_on_openvino, monkeypatch
):
    monkeypatch.setattr("aios.bridge.bridge.library_paths", lambda: {"openvino": "libm.so.6"})
    with pytest.raises(aios.AiosError, match="has no symbol 'ov_core_create'"):
        aios.load(digits_on_openvino, engine="openvino")
