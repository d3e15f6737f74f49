"""How far engines are proved, and how they propagate NaN, decides between them."""

import numpy as np
import pytest
from cores import pure_python

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
layers = keras.layers


def _model(activation):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((6,), name="x"), layers.Dense(8, activation), layers.Dense(3)]
    )


def _rows(bundle):
    with aios.load(bundle, max_tuning_ms=1) as bridge:
        return bridge.engine, {row.engine: row.reason for row in bridge.explain()}


@pytest.fixture(scope="module")
def sigmoid(tmp_path_factory):
    """LiteRT answers sigmoid of 1e30 with NaN."""
    bundle = tmp_path_factory.mktemp("ranges") / "m.cell"
    return aios.export(_model("sigmoid"), bundle, engines=("litert", "tensorflow"))


def test_an_engine_that_is_wrong_far_out_is_kept_and_chosen_only_if_no_other_is_proved_further(
    sigmoid,
):
    litert, tensorflow = sigmoid.artifacts
    assert (litert.verdict, tensorflow.verdict) == ("passed", "passed")
    assert litert.proven_range == {"serving_default": {"x": (-1e9, 1e9)}}
    far = float(np.float32(1e30))
    assert tensorflow.proven_range == {"serving_default": {"x": (-far, far)}}
    engine, reasons = _rows(sigmoid.path)
    assert engine == "tensorflow"
    assert reasons["litert"] == (
        "it is proved for x from -1e+09 to 1e+09 only, tensorflow for x from -1e+30 to 1e+30"
    )
    with aios.load(sigmoid.path, engine="litert", verify="full") as bridge:
        assert bridge.engine == "litert"
    assert any("'litert' is proved for x from -1e+09" in note for note in sigmoid.warnings)


def test_the_manifest_tells_what_had_to_be_proved(sigmoid):
    manifest = read_manifest(sigmoid.path)
    low, high = manifest.input_ranges["serving_default"]["x"]
    assert -low == high > 200
    assert manifest.own_samples == {"serving_default": 32}
    assert manifest.artifacts == sigmoid.artifacts


@pytest.mark.filterwarnings("ignore::aios.PurePythonWarning")
def test_pure_python_prefers_what_is_proved_further(sigmoid):
    from aios.bridge import fallback

    cell = pure_python().load(sigmoid.path, verify="full")
    assert cell.engine == "python-tensorflow"
    reasons = {row.engine: row.reason for row in cell.explain()}
    assert "it is proved for x from -1e+09" in reasons["python-litert"]
    verified = fallback.verify_bundle(str(sigmoid.path))
    assert [(entry.engine, entry.ok, entry.probes) for entry in verified] == [
        ("litert", True, 3),
        ("tensorflow", True, 3),
    ]


def test_a_miss_inside_the_range_that_is_asked_for_rejects(tmp_path, monkeypatch):
    monkeypatch.setattr("aios.exporting.exporter.first_diverging_layer", lambda *_: None)
    model = _model("sigmoid")
    with pytest.warns(UserWarning, match="'litert' failed"):
        report = aios.export(
            model, tmp_path / "m.cell", engines=("litert", "tensorflow"), input_range=(-1e30, 1e30)
        )
    assert report.errors.keys() == {"tensorflow"}
    near = aios.export(model, tmp_path / "n.cell", engines="litert", input_range={"x": (-1e6, 1e6)})
    assert near.artifacts[0].proven_range == {"serving_default": {"x": (-1e6, 1e6)}}
    manifest = read_manifest(tmp_path / "n.cell")
    assert manifest.input_ranges == {"serving_default": {"x": (-1e6, 1e6)}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_range": (1, 0)}, "the least and the greatest value"),
        ({"input_range": (0, float("inf"))}, "the least and the greatest value"),
        ({"input_range": 5}, "the least and the greatest value"),
        ({"input_range": {"x": "wide"}}, "the least and the greatest value"),
        ({"input_range": {"y": (0, 1)}}, "ranges of inputs of floats, x, got one for y"),
        (
            {"input_range": (0, 1), "samples": np.full((3, 6), 2, np.float32)},
            r"sample 0 of input 'x' has values outside",
        ),
    ],
)
def test_a_range_that_fits_no_input_is_refused(tmp_path, options, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        aios.export(_model("relu"), tmp_path / "m.cell", **options)
    assert list(tmp_path.iterdir()) == []


def test_auto_prefers_what_propagates_nan_as_keras_does_and_says_so(tmp_path):
    report = aios.export(_model("relu"), tmp_path / "m.cell", engines=("openvino", "litert"))
    counts = {artifact.engine: artifact.propagated for artifact in report.artifacts}
    if "openvino" not in report.errors:
        pytest.skip(report.declined["openvino"])
    assert counts["litert"] == 3 > counts["openvino"]
    engine, reasons = _rows(tmp_path / "m.cell")
    assert engine == "litert"
    assert reasons["openvino"] == (
        "it hides NaN and infinities that the training model answers in "
        f"{3 - counts['openvino']} of 3 probes, litert in 0"
    )
