import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios

pytestmark = pytest.mark.usefixtures("core")


@pytest.fixture(scope="module", params=["auto", "litert", "tensorflow"])
def bridge(core, digits, request):
    with aios.load(digits.bundle, engine=request.param) as loaded:
        yield loaded


def test_answers_equal_the_training_models_on_the_whole_held_out_set(bridge, digits):
    expected = np.asarray(digits.model(digits.x_test, training=False))
    answers = bridge.perform_inference(digits.x_test)
    assert_within_tolerance(answers, expected)
    assert (answers.argmax(axis=1) == digits.y_test).mean() >= 0.95


@pytest.mark.parametrize("batch", [1, 2, 7, 32, 33])
def test_every_batch_size_gives_the_answers_of_single_calls(bridge, digits, batch):
    x = digits.x_test[:batch]
    single = np.concatenate([bridge.perform_inference(row[np.newaxis]) for row in x])
    assert_within_tolerance(bridge.perform_inference(x), single)


def test_more_batch_sizes_than_are_kept_ready_still_answer_right(bridge, digits):
    expected = np.asarray(digits.model(digits.x_test, training=False))
    for batch in [*range(1, 13), 1, 5]:
        answers = bridge.perform_inference(digits.x_test[:batch])
        assert_within_tolerance(answers, expected[:batch])


def test_out_is_written_and_returned(bridge, digits):
    x = digits.x_test[:4]
    out = np.full((4, 10), np.nan, np.float32)
    assert bridge.perform_inference(x, out=out) is out
    np.testing.assert_array_equal(out, bridge.perform_inference(x))


def test_a_dict_by_name_gives_a_dict_by_name(bridge, digits):
    x = digits.x_test[:3]
    answers = bridge.perform_inference({"x": x})
    assert list(answers) == ["output_0"]
    np.testing.assert_array_equal(answers["output_0"], bridge.perform_inference(x))


def test_an_empty_batch_gives_an_empty_result(bridge):
    answers = bridge.perform_inference(np.empty((0, 64), np.float32))
    assert answers.shape == (0, 10)


def test_results_own_their_memory(bridge, digits):
    answers = bridge.perform_inference(digits.x_test[:1])
    kept = answers.copy()
    bridge.perform_inference(digits.x_test[1:2])
    np.testing.assert_array_equal(answers, kept)
    assert answers.flags.owndata


def test_read_only_arrays_are_taken(bridge, digits):
    x = digits.x_test[:2].copy()
    x.flags.writeable = False
    assert bridge.perform_inference(x).shape == (2, 10)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            np.zeros((4, 12)),
            r"input 'x': expected float32\[-1,64\], got float64\[4,12\]; cast to float32 and "
            "check the feature count",
        ),
        (np.zeros(64, np.float32), "add a leading batch dimension"),
        (np.zeros((1, 64, 1), np.float32), "pass 2 dimensions"),
        (np.zeros((1, 64), np.int64), r"got int64\[1,64\]; cast to float32"),
        (np.zeros((1, 64), np.complex64), r"got complex64\[1,64\]"),
        (np.zeros((1, 64), ">f4"), r"byte-swapped >f4\[1,64\]"),
        (np.zeros((64, 2), np.float32).T, "non-contiguous"),
        (np.zeros((2, 128), np.float32)[:, ::2], "np.ascontiguousarray"),
        ([[0.0] * 64], "got list; pass a NumPy array"),
        (None, "got NoneType"),
        ("digits", "got str"),
        ({"y": np.zeros((1, 64), np.float32)}, "input 'y' isn't in the signature: expected 'x'"),
        ({}, r"input 'x' is missing: expected float32\[-1,64\]"),
        ({1: np.zeros((1, 64), np.float32)}, "input 1 isn't in the signature"),
    ],
)
def test_bad_arrays_are_refused_by_name(bridge, x, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        bridge.perform_inference(x)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros((4, 10)), r"output 'output_0': expected float32\[-1,10\], got float64\[4,10\]"),
        (np.zeros((3, 10), np.float32), r"expected float32\[4,10\], got float32\[3,10\]"),
        (np.zeros((10, 4), np.float32).T, "writable C-contiguous"),
        ([0.0], "got list"),
    ],
)
def test_bad_outputs_are_refused_by_name(bridge, digits, out, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        bridge.perform_inference(digits.x_test[:4], out=out)


def test_an_output_may_not_be_read_only_or_overlap_an_input(bridge, digits):
    out = np.zeros((4, 10), np.float32)
    out.flags.writeable = False
    with pytest.raises(aios.InvalidArgumentError, match="read-only"):
        bridge.perform_inference(digits.x_test[:4], out=out)
    memory = np.zeros(4 * 64, np.float32)
    with pytest.raises(aios.InvalidArgumentError, match="memory that an input uses"):
        bridge.perform_inference(memory.reshape(4, 64), out=memory[:40].reshape(4, 10))


def test_copy_converts_what_loses_no_information(bridge, digits):
    x = digits.x_test[:4]
    expected = bridge.perform_inference(x)
    for converted in (x.astype(np.float64), x.astype(">f4"), np.asfortranarray(x), x.tolist()):
        np.testing.assert_array_equal(bridge.perform_inference(converted, copy=True), expected)
    with pytest.raises(aios.InvalidArgumentError, match="lose information"):
        bridge.perform_inference(x.astype(np.complex64), copy=True)


def test_memory_with_the_buffer_protocol_is_taken_without_a_copy(bridge, digits):
    x = digits.x_test[:2]
    answers = bridge.perform_inference(memoryview(np.ascontiguousarray(x)))
    np.testing.assert_array_equal(answers, bridge.perform_inference(x))


def test_calls_before_loading_and_after_closing_are_refused(digits):
    bridge = aios.TensorFlowCellularBridge()
    with pytest.raises(aios.FailedPreconditionError, match="no model is loaded"):
        bridge.perform_inference(digits.x_test[:1])
    bridge.load_model_from_training_cell(digits.bundle)
    bridge.perform_inference(digits.x_test[:1])
    bridge.close()
    bridge.close()
    with pytest.raises(aios.FailedPreconditionError, match="no model is loaded"):
        bridge.perform_inference(digits.x_test[:1])


def test_a_failed_load_keeps_the_model_loaded_before(digits, tmp_path):
    bridge = aios.load(digits.bundle)
    with pytest.raises(aios.NotFoundError, match="nothing.cell"):
        bridge.load_model_from_training_cell(tmp_path / "nothing.cell")
    assert bridge.perform_inference(digits.x_test[:1]).shape == (1, 10)


def test_unknown_options_are_refused(digits):
    with pytest.raises(aios.InvalidArgumentError, match="got 'abacus'"):
        aios.load(digits.bundle, engine="abacus")
    with pytest.raises(aios.InvalidArgumentError, match="threads: expected 1 or more, got 0"):
        aios.load(digits.bundle, threads=0)
    with pytest.raises(aios.InvalidArgumentError, match="got 'never'"):
        aios.load(digits.bundle, verify="never")


def test_signature_tells_names_dtypes_and_shapes(bridge):
    (x,) = bridge.signature.inputs
    assert (x.name, x.dtype, x.shape) == ("x", "float32", (-1, 64))
    (y,) = bridge.signature.outputs
    assert (y.name, y.dtype, y.shape) == ("output_0", "float32", (-1, 10))
    engine = bridge.engine.removeprefix("python-")
    assert engine in ("compiled", "litert", "openvino", "tensorflow")


def test_benchmark_reports_ordered_percentiles(bridge, digits):
    result = bridge.benchmark_performance(digits.x_test[:8], iterations=200)
    assert result.iterations == 200
    assert 0 < result.min_us <= result.p50_us <= result.p90_us <= result.p99_us <= result.max_us
    assert result.throughput_per_s == pytest.approx(8e6 / result.mean_us)
    assert result.engine == bridge.engine
    with pytest.raises(aios.InvalidArgumentError, match="iterations"):
        bridge.benchmark_performance(digits.x_test[:8], iterations=0)


def test_many_threads_get_right_answers(bridge, digits):
    from concurrent.futures import ThreadPoolExecutor

    expected = bridge.perform_inference(digits.x_test)

    def ask(worker):
        for i in range(500):
            start = (worker * 31 + i) % 300
            x = digits.x_test[start : start + 1 + i % 3]
            assert_within_tolerance(bridge.perform_inference(x), expected[start : start + len(x)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))


@pytest.mark.native
def test_without_the_engines_library_the_remedy_is_named(digits, monkeypatch):
    monkeypatch.setattr(
        "aios.bridge.bridge.library_paths", lambda: {"litert": "/nowhere/libLiteRt.so"}
    )
    with pytest.raises(aios.NotFoundError, match=r"pip install aios-cells\[litert\]"):
        aios.load(digits.bundle, engine="litert")


@pytest.mark.native
def test_auto_goes_on_without_an_engine_and_says_why(digits, monkeypatch):
    monkeypatch.setenv("AIOS_ALLOW_NATIVE", "0")
    with aios.load(digits.bundle) as bridge:
        assert bridge.engine == "litert"
        reasons = {row.engine: row.reason for row in bridge.explain() if not row.chosen}
        assert bridge.perform_inference(digits.x_test).shape == (360, 10)
    assert "AIOS_ALLOW_NATIVE=0" in reasons["compiled"]
    with pytest.raises(aios.UnsupportedError, match="AIOS_ALLOW_NATIVE=0"):
        aios.load(digits.bundle, engine="compiled")


def test_litert_answers_any_batch_of_a_graph_that_calculates_its_output_shape(tmp_path):
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    aios.export(model, tmp_path / "m.cell", engines=("litert",))
    x = np.random.default_rng(0).normal(size=(11, 28, 28, 1)).astype(np.float32)
    expected = np.asarray(model(x, training=False))
    with aios.load(tmp_path / "m.cell", engine="litert") as bridge:
        for batch in (3, 11, 1):
            assert_within_tolerance(bridge.perform_inference(x[:batch]), expected[:batch])
