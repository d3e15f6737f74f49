"""Models that leave inner sizes open: what is prepared for some, and what answers the rest."""

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import SignatureRecord, TensorRecord, read_manifest
from aios.exporting.sizes import checked

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")

OWN, NAMED, OTHER = 6, (4, 9), 7


class _Smoothing(tf.Module):
    """A convolution over steps, and their mean."""

    def __init__(self):
        super().__init__()
        kernel = np.random.default_rng(0).standard_normal((3, 4, 5))
        self.kernel = tf.Variable(kernel.astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, None, 4], tf.float32, name="x")])
    def __call__(self, x):
        y = tf.nn.conv1d(x, self.kernel, 1, "SAME")
        return {"steps": y, "mean": tf.reduce_mean(y, 1)}


def _x(batch, length):
    rng = np.random.default_rng([batch, length])
    return rng.standard_normal((batch, length, 4)).astype(np.float32)


def _assert_answers(bridge, model, batch, length):
    x = _x(batch, length)
    answers = bridge.perform_inference({"x": x})
    for name, expected in model(tf.constant(x)).items():
        assert_within_tolerance(answers[name], np.asarray(expected))


@pytest.fixture(scope="module")
def smoothing(tmp_path_factory):
    model = _Smoothing()
    bundle = tmp_path_factory.mktemp("sizes") / "m.cell"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aios.exporting.engines.compiled.targets", lambda: ("native",))
        report = aios.export(
            model, bundle, samples=_x(8, OWN), sizes={"x": [NAMED[0], (NAMED[1],)]},
            engines=("compiled", "litert", "tensorflow"),
        )  # fmt: skip
    return model, bundle, report


def test_named_sizes_and_the_samples_own_are_compiled(smoothing):
    model, bundle, report = smoothing
    native = next(a for a in report.artifacts if a.target == "native")
    assert native.verdict == "passed"
    assert [graph.sizes for graph in native.graphs] == [{"x": (n,)} for n in (OWN, *NAMED)]
    with aios.load(bundle, engine="compiled") as bridge:
        for length in (OWN, *NAMED):
            for batch in (1, 11):
                _assert_answers(bridge, model, batch, length)


def test_other_sizes_are_refused_by_compiled_code_and_answered_by_auto(smoothing):
    model, bundle, _ = smoothing
    with (
        aios.load(bundle, engine="compiled") as bridge,
        pytest.raises(aios.UnsupportedError, match="inner sizes 6 or 4 or 9 were prepared"),
    ):
        bridge.perform_inference({"x": _x(1, OTHER)})
    with aios.load(bundle) as bridge:
        for batch, length in ((1, OWN), (2, OTHER), (1, NAMED[0]), (1, OTHER), (3, 40)):
            _assert_answers(bridge, model, batch, length)
        sizes = {row.sizes for row in bridge.explain() if row.chosen}
    assert sizes == {"6", "<=8", "4", "<=64"}


def test_constants_that_sizes_share_are_one_file(smoothing):
    _, bundle, _ = smoothing
    files = list((bundle / "compiled" / "native").rglob("weights.bin"))
    contents = {file.read_bytes() for file in files}
    assert len(files) == 3
    assert len({file.stat().st_ino for file in files}) == len(contents) < 3


def test_golden_samples_prove_named_sizes_and_two_more(smoothing):
    from safetensors.numpy import load_file

    _, bundle, _ = smoothing
    tensors = load_file(bundle / read_manifest(bundle).golden)
    shapes = [tensors[f"serving_default#{k}/inputs/x"].shape[2] for k in (1, 2, 3)]
    assert shapes == [*NAMED, 3]  # 9 is one and a half times the samples' size already


def test_an_artifact_that_is_wrong_at_another_size_is_not_used(smoothing):
    from dataclasses import replace

    from safetensors.numpy import load_file, save_file

    from aios.bundle.manifest import hash_file, write_manifest

    _, bundle, _ = smoothing
    path = bundle / "golden.safetensors"
    before, manifest = path.read_bytes(), read_manifest(bundle)
    tensors = load_file(path)
    tensors["serving_default#2/outputs/mean"][1] += 0.5
    try:
        save_file(tensors, path)
        files = tuple(
            hash_file(bundle, file.path) if file.path == path.name else file
            for file in manifest.files
        )
        write_manifest(bundle, replace(manifest, files=files))
        with pytest.raises(aios.CorruptBundleError, match=r"mean of float32\[1,9,4\]"):
            aios.load(bundle, verify="full")
    finally:
        path.write_bytes(before)
        write_manifest(bundle, manifest)


def test_an_engine_that_is_right_at_some_sizes_alone_has_files_for_those(tmp_path, monkeypatch):
    """As a converter that writes the length it was traced with into the graph."""
    from aios.exporting import tflite

    real = tflite.convert

    def wrong_at_open_lengths(signatures, work, *rest):
        frozen = signatures["serving_default"]
        (name,) = frozen.inputs.values()
        node = next(n for n in frozen.graph_def.node if n.name == name.split(":")[0])
        length = node.attr["shape"].shape.dim[1].size
        if length == -1:
            signatures = {"serving_default": _with_scaled_constants(frozen)}
        return real(signatures, work, *rest)

    monkeypatch.setattr(tflite, "convert", wrong_at_open_lengths)
    model = _Smoothing()
    aios.export(
        model, tmp_path / "m.cell", samples=_x(8, OWN), sizes={"x": [9]},
        engines=("litert", "tensorflow"),
    )  # fmt: skip
    lite = next(a for a in read_manifest(tmp_path / "m.cell").artifacts if a.engine == "litert")
    assert lite.verdict == "passed"
    assert [graph.sizes for graph in lite.graphs] == [{"x": (6,)}, {"x": (9,)}]
    on_disk = {p.relative_to(tmp_path / "m.cell").as_posix() for p in tmp_path.rglob("*.tflite")}
    assert on_disk == {file.path for file in lite.files}
    with aios.load(tmp_path / "m.cell") as bridge:
        for length in (OWN, 9, OTHER):
            _assert_answers(bridge, model, 2, length)


def _with_scaled_constants(frozen):
    from dataclasses import replace

    graph_def = type(frozen.graph_def)()
    graph_def.CopyFrom(frozen.graph_def)
    for node in graph_def.node:
        if node.op == "Const" and tf.as_dtype(node.attr["dtype"].type) == tf.float32:
            value = tf.make_ndarray(node.attr["value"].tensor) * 1.5
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    return replace(frozen, graph_def=graph_def)


_SIGNATURES = (
    SignatureRecord(
        "s",
        (
            TensorRecord("ids", "int32", (-1, -1)),
            TensorRecord("image", "float32", (-1, -1, -1, 3)),
            TensorRecord("fixed", "float32", (-1, 4)),
        ),
        (TensorRecord("y", "float32", (-1, 2)),),
    ),
)


def test_sizes_of_several_inputs_belong_together():
    wanted = {"image": [(8, 9), (16, 16)], "ids": [5, (7,)]}
    assert checked(_SIGNATURES, wanted) == {
        "s": [{"ids": (5,), "image": (8, 9)}, {"ids": (7,), "image": (16, 16)}]
    }
    assert checked(_SIGNATURES, None) == {}


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([16], "expected a dict by input"),
        ({"ids": 16, "image": [(8, 8)]}, r"'ids': expected a list, as \[\(16,\), \(64,\)\]"),
        ({"ids": [0], "image": [(8, 8)]}, "expected positive whole numbers, got 0"),
        ({"ids": [4.5], "image": [(8, 8)]}, "expected positive whole numbers, got 4.5"),
        ({"ids": [4], "image": [8]}, r"'image': its shape \[-1, -1, -1, 3\] leaves 2 open"),
        ({"ids": [4]}, r"'image': .* name them all"),
        ({"ids": [4, 5], "image": [(8, 8)]}, "expected as many of every input"),
        ({"fixed": [4]}, "no input 'fixed' with an open inner size; the model has"),
    ],
)
def test_sizes_of_a_wrong_form_are_named(wanted, words):
    with pytest.raises(aios.InvalidArgumentError, match=words):
        checked(_SIGNATURES, wanted)


def test_a_named_size_that_the_model_refuses_is_an_error(tmp_path):
    class Short(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, 4], tf.float32, name="x")])
        def __call__(self, x):
            return tf.reshape(x, [-1, 24]) * 2.0

    with pytest.raises(aios.InvalidArgumentError, match=r"the model raises at {'x': \(5,\)}"):
        aios.export(
            Short(), tmp_path / "m.cell", samples=_x(4, OWN), sizes={"x": [5]}, engines="tensorflow"
        )
