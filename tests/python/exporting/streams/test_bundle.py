"""What an export with a stream records."""

import json

import pytest

import aios
from aios.bundle.manifest import StateRecord, read_manifest


def test_the_proof_is_recorded(streamed):
    stream = read_manifest(streamed.bundle).stream
    assert stream == streamed.report.stream
    assert (stream.verdict, stream.reason, stream.path) == ("passed", None, "stream")
    assert stream.frames == 64
    assert stream.samples >= 17
    assert 0 < stream.worst <= 1
    assert 0 < stream.max_error < 1e-2
    assert stream.latency_frames == 0
    assert stream.states[0] == StateRecord("conv_state_0", "conv_next_0", "conv")


def test_every_file_of_the_stream_is_the_bundles_own(streamed):
    listed = {file.path for file in read_manifest(streamed.bundle).files}
    there = {
        path.relative_to(streamed.bundle).as_posix()
        for path in (streamed.bundle / "stream").rglob("*")
        if path.is_file()
    }
    assert there <= listed
    assert "stream/compiled/native/model.so" in there
    assert not any("saved_model" in path for path in there)


def test_the_step_is_a_bundle_itself(streamed):
    (artifact,) = read_manifest(streamed.bundle / "stream").artifacts
    assert (artifact.engine, artifact.verdict) == ("compiled", "passed")


def test_versions_that_know_no_streams_read_the_bundle(streamed):
    document = json.loads((streamed.bundle / "manifest.json").read_text())
    assert document["format_version"] == 1


def test_a_model_that_cant_be_a_stream_is_exported_without_one(tmp_path):
    import keras

    model = keras.Sequential([
        keras.Input((4, 2)),
        keras.layers.Bidirectional(keras.layers.LSTM(2), name="both"),
    ])  # fmt: skip
    with pytest.warns(UserWarning, match=r"no stream, which was declined: layer 'both'"):
        report = aios.export(model, tmp_path / "m.cell", engines=("litert",), stream=True)
    assert report.stream.verdict == "declined"
    assert not (tmp_path / "m.cell/stream").exists()
    with (
        aios.load(tmp_path / "m.cell") as bridge,
        pytest.raises(aios.UnsupportedError, match=r"layer 'both' \(Bidirectional\)"),
    ):
        bridge.stream()
