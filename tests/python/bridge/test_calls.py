"""Ways to call besides perform_inference, and what a bridge tells of itself."""

import os
import pickle
import threading

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios

pytestmark = pytest.mark.usefixtures("core")


@pytest.fixture
def bridge(digits):
    with aios.load(digits.bundle, engine="litert") as loaded:
        yield loaded


def test_a_bound_call_reads_and_writes_the_arrays_that_it_was_bound_to(bridge, digits):
    x = digits.x_test[:2].copy()
    out = np.empty((2, 10), np.float32)
    call = bridge.bind(x, out=out)
    assert call() is out
    np.testing.assert_array_equal(out, bridge.perform_inference(digits.x_test[:2]))
    x[:] = digits.x_test[2:4]
    call()
    np.testing.assert_array_equal(out, bridge.perform_inference(digits.x_test[2:4]))


def test_a_bound_call_without_out_makes_one_array(bridge, digits):
    call = bridge.bind(digits.x_test[:1])
    assert call() is call()
    assert call().shape == (1, 10)


def test_a_bound_call_keeps_the_model_alive(digits):
    with aios.load(digits.bundle) as bridge:
        call = bridge.bind(digits.x_test[:1])
        expected = bridge.perform_inference(digits.x_test[:1])
    np.testing.assert_array_equal(call(), expected)


def test_binding_checks_as_a_call_does(bridge):
    with pytest.raises(aios.InvalidArgumentError, match="input 'x'"):
        bridge.bind(np.zeros((1, 3), np.float32))
    with pytest.raises(aios.InvalidArgumentError, match="output 'output_0'"):
        bridge.bind(np.zeros((1, 64), np.float32), out=np.zeros((2, 10), np.float32))


def test_submitted_calls_answer_in_other_threads(bridge, digits):
    futures = [bridge.submit(digits.x_test[i : i + 1]) for i in range(50)]
    answers = np.concatenate([future.result(timeout=60) for future in futures])
    assert_within_tolerance(answers, bridge.perform_inference(digits.x_test[:50]))
    failing = bridge.submit(np.zeros((1, 3), np.float32))
    with pytest.raises(aios.InvalidArgumentError):
        failing.result(timeout=60)


def test_closing_waits_for_what_was_submitted(digits):
    bridge = aios.load(digits.bundle)
    futures = [bridge.submit(digits.x_test) for _ in range(20)]
    bridge.close()
    assert all(future.result(timeout=0).shape == (360, 10) for future in futures)


def test_metrics_count_calls_samples_and_staged_bytes(bridge, digits):
    for batch in (1, 1, 5):
        bridge.perform_inference(digits.x_test[:batch])
    (metrics,) = bridge.metrics().signatures
    assert metrics.signature == "serving_default"
    assert (metrics.calls, metrics.samples, metrics.errors) == (3, 7, 0)
    # Two golden samples at load, then 7: 64 floats in and 10 out each.
    assert metrics.staged_bytes == 9 * 74 * 4
    assert metrics.sessions == 1
    assert 0 < metrics.timed_calls <= 3
    assert 0 < metrics.p50_us <= metrics.p99_us
    assert sum(bucket.calls for bucket in metrics.histogram) == metrics.timed_calls


def test_explain_tells_what_runs_and_why(bridge):
    (row,) = bridge.explain()
    assert (row.engine.removeprefix("python-"), row.chosen) == ("litert", True)


def test_a_bridge_pickles_as_its_path_and_options(bridge, digits):
    copy = pickle.loads(pickle.dumps(bridge))
    x = digits.x_test[:3]
    np.testing.assert_array_equal(copy.perform_inference(x), bridge.perform_inference(x))
    with pytest.raises(aios.FailedPreconditionError):
        pickle.loads(pickle.dumps(aios.TensorFlowCellularBridge())).perform_inference(x)


def test_a_bridge_pickles_with_the_tags_that_it_was_loaded_with(digits, monkeypatch):
    asked = []
    load = aios.TensorFlowCellularBridge._load
    monkeypatch.setattr(
        aios.TensorFlowCellularBridge,
        "_load",
        lambda self, *arguments: (asked.append(arguments), load(self, *arguments)),
        raising=False,
    )
    bridge = aios.TensorFlowCellularBridge("litert")
    bridge.load_model_from_training_cell(digits.bundle, verify="off", tags=("serve", "gpu"))
    pickle.loads(pickle.dumps(bridge)).close()
    bridge.close()
    assert asked[0] == asked[1]
    _, options, _ = asked[1]
    assert (options.verify, options.tags) == ("off", ("serve", "gpu"))


def test_what_is_submitted_after_closing_is_refused_and_starts_no_thread(digits):
    bridge = aios.load(digits.bundle, engine="litert")
    bridge.close()
    for closed in (bridge, aios.TensorFlowCellularBridge()):
        with pytest.raises(aios.FailedPreconditionError, match="no model is loaded"):
            closed.submit(digits.x_test[:1])
    assert not [t for t in threading.enumerate() if t.name.startswith("aios-submit")]
    bridge.load_model_from_training_cell(digits.bundle)
    assert bridge.submit(digits.x_test[:1]).result(timeout=60).shape == (1, 10)
    bridge.close()


def test_a_bridge_says_in_a_line_what_it_is(bridge, digits):
    shown = repr(bridge)
    assert shown == (
        f"<TensorFlowCellularBridge {str(digits.bundle)!r}, engine='litert' running "
        f"{bridge.engine}, threads=1>"
    )
    empty = aios.TensorFlowCellularBridge(threads=2)
    assert repr(empty) == (
        "<TensorFlowCellularBridge engine='auto', threads=2: no model is loaded>"
    )


@pytest.mark.parametrize("path", ["", "a\0b", 5, None])
def test_what_is_no_path_is_refused_by_name(path):
    with pytest.raises(aios.InvalidArgumentError, match="path: expected the directory of a bundle"):
        aios.load(path)


def test_what_is_no_tag_is_refused_by_name(digits):
    bridge = aios.TensorFlowCellularBridge()
    for tags in ("serve", 5, [5]):
        with pytest.raises(aios.InvalidArgumentError, match="tags: expected names"):
            bridge.load_model_from_training_cell(digits.bundle, tags=tags)


def test_what_is_no_signatures_name_is_refused_by_name(bridge, digits):
    for call in (bridge.perform_inference, bridge.bind):
        with pytest.raises(aios.InvalidArgumentError, match="signature: expected the name.* got 5"):
            call(digits.x_test[:1], signature=5)


def test_a_forked_child_is_refused(bridge, digits):
    x = digits.x_test[:1]
    bridge.perform_inference(x)
    child = os.fork()
    if child == 0:
        try:
            bridge.perform_inference(x)
        except aios.FailedPreconditionError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    bridge.perform_inference(x)


def test_empty_arrays_stand_on_64_bytes():
    for shape in ((3, 5), 7, (), (0, 4)):
        array = aios.empty(shape, np.float32)
        assert array.nbytes == 0 or array.ctypes.data % 64 == 0
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert array.shape == np.empty(shape).shape


def test_closing_while_others_call_is_answered_or_refused(digits):
    bridge = aios.load(digits.bundle)
    expected = bridge.perform_inference(digits.x_test[:1])
    wrong = []

    def ask():
        for _ in range(2000):
            try:
                if not np.array_equal(bridge.perform_inference(digits.x_test[:1]), expected):
                    wrong.append("answer")
            except aios.FailedPreconditionError:
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    bridge.close()
    for thread in threads:
        thread.join(timeout=60)
    assert not wrong


def test_tensorflow_tensors_are_taken_without_a_copy(bridge, digits):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")
    x = tf.constant(digits.x_test[:4])
    np.testing.assert_array_equal(
        bridge.perform_inference(x), bridge.perform_inference(digits.x_test[:4])
    )


def test_torch_tensors_are_taken_without_a_copy(bridge, digits):
    torch = pytest.importorskip("torch", reason="PyTorch isn't a dependency")
    x = torch.from_numpy(digits.x_test[:4].copy())
    np.testing.assert_array_equal(bridge.perform_inference(x), bridge.perform_inference(x.numpy()))


def test_a_bare_saved_model_runs_on_tensorflow(digits):
    with aios.load(digits.bundle / "saved_model") as bridge:
        assert bridge.engine.removeprefix("python-") == "tensorflow"
        assert [spec.name for spec in bridge.signature.inputs] == ["x"]
        answers = bridge.perform_inference(digits.x_test)
    assert_within_tolerance(answers, np.asarray(digits.model(digits.x_test, training=False)))


def test_a_bare_saved_model_is_refused_by_other_engines_and_tags(digits):
    with pytest.raises(aios.NotFoundError, match="bare SavedModel"):
        aios.load(digits.bundle / "saved_model", engine="litert")
    bridge = aios.TensorFlowCellularBridge("tensorflow")
    with pytest.raises(aios.AiosError, match="nonsense"):
        bridge.load_model_from_training_cell(digits.bundle / "saved_model", tags=["nonsense"])


def test_an_unknown_signature_names_those_that_there_are(bridge, digits):
    x = digits.x_test[:1]
    np.testing.assert_array_equal(
        bridge.perform_inference(x, signature="serving_default"), bridge.perform_inference(x)
    )
    with pytest.raises(aios.NotFoundError, match="'abacus'.*'serving_default'"):
        bridge.perform_inference(x, signature="abacus")


@pytest.fixture(scope="module")
def two_signatures(tmp_path_factory):
    tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")

    class Two(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")])
        def double(self, x):
            return {"y": 2 * x}

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "z")])
        def negate(self, z):
            return {"y": -z}

    module, folder = Two(), tmp_path_factory.mktemp("two")
    signatures = {"double": module.double, "negate": module.negate}
    tf.saved_model.save(module, str(folder / "saved"), signatures=signatures)
    aios.export(folder / "saved", folder / "m.cell", engines=("litert", "tensorflow"))
    return folder / "m.cell"


@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_several_signatures_are_called_by_name(two_signatures, engine):
    x, z = np.ones((5, 3), np.float32), np.ones((2, 2), np.float32)
    with aios.load(two_signatures, engine=engine) as bridge:
        assert [signature.name for signature in bridge.signatures] == ["double", "negate"]
        np.testing.assert_array_equal(bridge.perform_inference(x), 2 * x)
        np.testing.assert_array_equal(bridge.perform_inference(z, signature="negate"), -z)
