"""Streams in `aios inspect` and `aios verify`."""

import json
import shutil
from dataclasses import replace

import numpy as np
from typer.testing import CliRunner

from aios.bundle.manifest import hash_file, read_manifest, write_manifest
from aios.cli.main import app


def _run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_inspect_shows_the_stream(streamed):
    shown = _run("inspect", streamed.bundle)
    assert "stream passed" in shown.stdout
    assert "look-ahead of 0 frames; state of conv, lstm, gru" in " ".join(shown.stdout.split())
    stream = json.loads(_run("inspect", streamed.bundle, "--json").stdout)["stream"]
    assert (stream["verdict"], stream["frames"], stream["latency_frames"]) == ("passed", 64, 0)


def test_verify_steps_through_the_golden_samples_again(streamed):
    row = json.loads(_run("verify", streamed.bundle, "--json").stdout)["stream"]
    assert row["ok"] is True
    assert row["samples"] == streamed.report.stream.samples
    assert 0 < row["worst"] <= 1


def test_verify_finds_a_step_that_answers_otherwise(streamed, tmp_path):
    from safetensors.numpy import load_file, save_file

    copy = tmp_path / "copy.cell"
    shutil.copytree(streamed.bundle, copy)
    tensors = load_file(copy / "golden.safetensors")
    name = "serving_default/outputs/output_0"
    tensors[name] = tensors[name].copy()
    tensors[name][3, 0, 40] += np.float32(0.25)
    save_file(tensors, copy / "golden.safetensors")
    manifest = read_manifest(copy)
    files = tuple(
        hash_file(copy, file.path) if file.path == "golden.safetensors" else file
        for file in manifest.files
    )
    write_manifest(copy, replace(manifest, files=files))
    found = _run("verify", copy, "--json")
    assert found.exit_code == 1
    row = json.loads(found.stdout)["stream"]
    assert row["ok"] is False
    assert "golden sample 3, frame 40" in row["reason"]


def test_a_bundle_without_a_stream_has_no_row(digits):
    assert json.loads(_run("inspect", digits.bundle, "--json").stdout)["stream"] is None
