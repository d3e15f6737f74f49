"""Golden samples as batches to time and to prove with."""

from dataclasses import replace

import numpy as np
import pytest

from aios.bundle.golden_samples import GoldenSamples
from aios.bundle.manifest import (
    ArtifactRecord,
    FileRecord,
    Manifest,
    SignatureRecord,
    TensorRecord,
)
from aios.errors import UnsupportedError

save_file = pytest.importorskip("safetensors.numpy").save_file

SPECS = (TensorRecord("x", "float32", (-1, 1)), TensorRecord("y", "float32", (-1, 1)))
SIGNATURE = SignatureRecord("serve", SPECS[:1], SPECS[1:])
ARTIFACT = ArtifactRecord("litert", "any", "float32", "passed")


def samples_in(tmp_path, count=10, **manifest):
    """Sample i is i, and its answer -i."""
    x = np.arange(count, dtype=np.float32).reshape(count, 1, 1)
    save_file({"serve/inputs/x": x, "serve/outputs/y": -x}, tmp_path / "g")
    files = (FileRecord("g", 1, "0" * 64),)
    described = Manifest((SIGNATURE,), (), files, "g", None, {}, **manifest)
    return GoldenSamples(tmp_path, described, SIGNATURE)


def test_the_users_own_samples_are_timed_over_and_over(tmp_path):
    samples = samples_in(tmp_path, own_samples={"serve": 3})
    assert (samples.count, samples.batched) == (10, True)
    assert samples.plain(5)["x"].ravel().tolist() == [0, 1, 2, 0, 1]


def test_where_a_bundle_does_not_say_which_are_its_own_the_last_are_edge_cases(tmp_path):
    assert samples_in(tmp_path).plain(5)["x"].ravel().tolist() == [0, 1, 2, 3, 0]
    assert samples_in(tmp_path, count=2).plain(3)["x"].ravel().tolist() == [0, 1, 0]


def test_an_artifact_is_proved_on_what_lies_in_its_ranges_in_whole_batches(tmp_path):
    samples = samples_in(tmp_path, input_ranges={"serve": {"x": (0.0, 4.0)}})
    calls = samples.proving(ARTIFACT, 3)
    assert [inputs["x"].ravel().tolist() for inputs, _ in calls] == [[0, 1, 2], [3, 4, 0]]
    assert all((outputs["y"] == -inputs["x"]).all() for inputs, outputs in calls)
    wider = replace(ARTIFACT, proven_range={"serve": {"x": (0.0, 9.0)}}, golden_samples=6)
    assert [inputs["x"].ravel().tolist() for inputs, _ in samples.proving(wider, 3)] == [
        [0, 1, 2],
        [3, 4, 5],
    ]


def test_strings_are_no_batches(tmp_path):
    signature = replace(SIGNATURE, inputs=(replace(SPECS[0], dtype="string"),))
    samples_in(tmp_path)
    described = Manifest((signature,), (), (), "g", None, {})
    with pytest.raises(UnsupportedError, match="'x' is a tensor of strings"):
        GoldenSamples(tmp_path, described, signature)
