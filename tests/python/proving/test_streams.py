from pathlib import Path

import numpy as np

from aios.bundle.manifest import Tolerance, read_manifest
from aios.proving.streams import StreamProof, golden_sequences

INPUTS = {"x": np.ones((3, 4, 1), np.float32)}
SUMS = {"y": np.cumsum(INPUTS["x"], axis=1)}


def _proof(answers, references):
    return StreamProof.of(answers, Path("m.cell"), INPUTS, references, Tolerance())


def _sums(bundle, inputs):
    del bundle
    return {"y": np.cumsum(inputs["x"], axis=1)}


def test_right_steps_are_proved_over_all_samples_and_frames():
    proof = _proof(_sums, SUMS)
    assert (proof.ok, proof.samples, proof.frames, proof.reason) == (True, 3, 4, None)
    assert (proof.worst, proof.max_error) == (0, 0)


def test_one_wrong_step_is_named():
    def wrong(bundle, inputs):
        answers = _sums(bundle, inputs)
        answers["y"][-1, 2] += 0.5
        return answers

    proof = _proof(wrong, SUMS)
    assert not proof.ok
    assert proof.max_error == 0.5
    assert "golden sample 2, frame 2, tensor 'y'" in proof.reason


def test_the_first_sample_is_stepped_through_alone_too():
    def wrong(bundle, inputs):
        answers = _sums(bundle, inputs)
        return {"y": answers["y"] + (len(inputs["x"]) == 1)}

    assert not _proof(wrong, SUMS).ok


def test_an_answer_to_the_whole_sequence_is_that_of_the_last_frame():
    assert _proof(_sums, {"y": SUMS["y"][:, -1]}).ok
    assert not _proof(_sums, {"y": SUMS["y"][:, -2]}).ok


def test_nan_is_never_right():
    proof = _proof(lambda *_: {"y": np.full((3, 4, 1), np.nan, np.float32)}, SUMS)
    assert (proof.ok, proof.worst, proof.max_error) == (False, None, None)


def test_golden_sequences_are_those_in_the_ranges(streamed):
    manifest = read_manifest(streamed.bundle)
    inputs, references = golden_sequences(streamed.bundle, manifest)
    low, high = manifest.input_ranges["serving_default"]["x"]
    assert inputs["x"].shape[1:] == (64, 3)
    assert references["output_0"].shape == (len(inputs["x"]), 64, 2)
    assert low <= inputs["x"].min()
    assert inputs["x"].max() <= high
    np.testing.assert_array_equal(inputs["x"][:17], streamed.x)
