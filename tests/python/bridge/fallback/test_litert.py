"""Artifacts on LiteRT's Python interpreter."""

from dataclasses import replace

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios


def test_a_batch_that_the_files_are_not_made_for_is_refused(load, tmp_path):
    import keras

    from aios.bundle.manifest import read_manifest, write_manifest

    model = keras.Sequential([keras.Input((9, 4), name="x"), keras.layers.LSTM(5)])
    aios.export(model, tmp_path / "m.cell", engines="litert")
    x = np.random.default_rng(0).standard_normal((11, 9, 4)).astype(np.float32)
    composed = load(tmp_path / "m.cell", engine="litert")
    assert_within_tolerance(composed.perform_inference(x), np.asarray(model(x)))
    manifest = read_manifest(tmp_path / "m.cell")
    artifacts = tuple(replace(artifact, composable=False) for artifact in manifest.artifacts)
    write_manifest(tmp_path / "m.cell", replace(manifest, artifacts=artifacts))
    apart = load(tmp_path / "m.cell", engine="litert")
    assert_within_tolerance(apart.perform_inference(x[:8]), np.asarray(model(x[:8])))
    with pytest.raises(aios.UnsupportedError, match="no graph for a batch of 11"):
        apart.perform_inference(x)
