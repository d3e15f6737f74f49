"""Streams through the bridge: step by step as the whole sequence, and every misuse told."""

import numpy as np
import pytest

import aios

BATCHES, BLOCKS = (1, 4, 17), (1, 16, 64)


@pytest.fixture(scope="module")
def bridge(streamed):
    with aios.load(streamed.bundle) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def whole(streamed):
    return np.asarray(streamed.model(streamed.x))


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("batch", BATCHES)
def test_every_step_answers_as_the_whole_sequence(bridge, streamed, whole, batch, block):
    with bridge.stream(batch) as stream:
        for first in range(0, 64, block):
            frames = np.ascontiguousarray(streamed.x[:batch, first : first + block])
            answers = stream.step(frames)
            expected = whole[:batch, first : first + block]
            assert answers.shape == expected.shape
            np.testing.assert_allclose(answers, expected, atol=1e-5, rtol=1e-4)


def test_single_frames_need_no_time_axis_and_give_the_same_bits(bridge, streamed):
    x = streamed.x[:4]
    with bridge.stream(4) as one, bridge.stream(4) as other:
        block = one.step(np.ascontiguousarray(x))
        for frame in range(64):
            answer = other.step(np.ascontiguousarray(x[:, frame]))
            assert answer.shape == (4, 2)
            np.testing.assert_array_equal(answer, block[:, frame])


def test_blocks_cut_anywhere_give_the_same_bits(bridge, streamed):
    x = streamed.x[:1]
    with bridge.stream() as stream:
        once = stream.step(np.ascontiguousarray(x))
        stream.reset()
        parts = [
            stream.step(np.ascontiguousarray(x[:, a:b]))
            for a, b in ((0, 1), (1, 1), (1, 18), (18, 64))
        ]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), once)


def test_a_restored_stream_goes_on_as_one_that_never_stopped(bridge, streamed):
    x = streamed.x[:4]
    with bridge.stream(4) as unbroken:
        expected = unbroken.step(np.ascontiguousarray(x))
        with bridge.stream(4) as first:
            first.step(np.ascontiguousarray(x[:, :31]))
            state = first.save()
        with bridge.stream(4) as second:
            second.restore(state)
            np.testing.assert_array_equal(
                second.step(np.ascontiguousarray(x[:, 31:])), expected[:, 31:]
            )
        last = unbroken.save()
    assert {name: array.shape for name, array in last.items()} == {
        "conv_state_0": (4, 4, 3), "lstm_state_0": (4, 5), "lstm_state_1": (4, 5),
        "gru_state_0": (4, 4),
    }  # fmt: skip


def test_a_stored_state_is_restored_as_it_is(bridge, streamed, tmp_path):
    x = np.ascontiguousarray(streamed.x[:1])
    with bridge.stream() as stream:
        stream.step(x)
        np.savez(tmp_path / "state.npz", **stream.save())
        expected = stream.step(x)
        with np.load(tmp_path / "state.npz") as state:
            stream.restore(state)
        np.testing.assert_array_equal(stream.step(x), expected)
        with pytest.raises(aios.InvalidArgumentError, match="state: expected arrays by name"):
            stream.restore(7)


def test_a_saved_state_is_a_copy(bridge, streamed):
    with bridge.stream() as stream:
        before = stream.save()
        stream.step(np.ascontiguousarray(streamed.x[:1]))
        assert all((array == 0).all() for array in before.values())


def test_streams_of_one_model_keep_apart(bridge, streamed):
    with bridge.stream() as one, bridge.stream() as other:
        x = np.ascontiguousarray(streamed.x[:1])
        one.step(x)
        fresh = other.step(x)
        one.reset()
        np.testing.assert_array_equal(one.step(x), fresh)


def test_dicts_and_out_are_taken_as_by_the_bridge(bridge, streamed):
    x = np.ascontiguousarray(streamed.x[:1, :5])
    with bridge.stream() as stream:
        expected = stream.step(x)
        stream.reset()
        out = np.empty((1, 5, 2), np.float32)
        assert stream.step({"x": x}, out={"output_0": out})["output_0"] is out
        np.testing.assert_array_equal(out, expected)
        stream.reset()
        assert stream.step(x, out=out) is out


def test_a_stream_outlives_its_bridge(streamed):
    with aios.load(streamed.bundle) as bridge:
        stream = bridge.stream()
    assert stream.step(np.zeros((1, 3), np.float32)).shape == (1, 2)
    stream.close()


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [
        ((2, 3), np.float32, r"expected one frame float32\[1,3\] or a block of frames"),
        ((1, 4), np.float32, r"input 'x': .*got float32\[1,4\]"),
        ((3,), np.float32, r"got float32\[3\]"),
        ((1, 2, 3), np.float64, "float64"),
    ],
)
def test_wrong_tensors_are_refused_and_change_nothing(bridge, streamed, shape, dtype, words):
    with bridge.stream() as stream:
        stream.step(np.ascontiguousarray(streamed.x[:1, :9]))
        before = stream.save()
        with pytest.raises(aios.InvalidArgumentError, match=words):
            stream.step(np.zeros(shape, dtype))
        for name, array in stream.save().items():
            np.testing.assert_array_equal(array, before[name])


def test_outputs_of_other_frames_are_refused(bridge):
    with (
        bridge.stream() as stream,
        pytest.raises(aios.InvalidArgumentError, match="output 'output_0'"),
    ):
        stream.step(np.zeros((1, 3), np.float32), out=np.zeros((1, 1, 2), np.float32))


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_states_that_dont_fit_are_refused(bridge, change):
    with bridge.stream() as stream:
        state = stream.save()
        array = state.pop("gru_state_0")
        if change != "missing":
            state["gru_state_0" if change == "shape" else "gru"] = array[:, :2].copy()
        with pytest.raises(aios.InvalidArgumentError, match="'gru"):
            stream.restore(state)


def test_a_closed_stream_says_so(bridge):
    stream = bridge.stream()
    stream.close()
    stream.close()
    for call in (stream.save, stream.reset, lambda: stream.step(np.zeros((1, 3), np.float32))):
        with pytest.raises(aios.FailedPreconditionError, match="the stream is closed"):
            call()


def test_a_batch_below_one_is_refused(bridge):
    with pytest.raises(aios.InvalidArgumentError, match="batch: expected 1 stream or more, got 0"):
        bridge.stream(0)


def test_a_bundle_without_a_stream_says_how_to_make_one(digits):
    with (
        aios.load(digits.bundle) as bridge,
        pytest.raises(aios.UnsupportedError, match="export it with stream=True"),
    ):
        bridge.stream()


def test_a_step_that_isnt_the_published_one_is_refused(streamed, tmp_path):
    import shutil

    from aios.bundle.manifest import read_manifest, write_manifest

    copy = tmp_path / "copy.cell"
    shutil.copytree(streamed.bundle, copy)
    with aios.load(copy) as bridge:
        from dataclasses import replace

        step = read_manifest(copy / "stream")
        write_manifest(copy / "stream", replace(step, provenance={"other": 1}))
        with pytest.raises(aios.CorruptBundleError, match="stream/manifest.json"):
            bridge.stream()
