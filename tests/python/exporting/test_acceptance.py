"""What a lower precision must show besides answers within its tolerance."""

from dataclasses import replace

import numpy as np
import pytest

import aios
from aios.bundle.manifest import read_manifest
from aios.exporting.acceptance import objection

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
layers = keras.layers


def _artifact(bundle, precision, engine="litert"):
    (found,) = [
        artifact
        for artifact in read_manifest(bundle).artifacts
        if (artifact.engine, artifact.precision) == (engine, precision)
    ]
    return found


def test_a_tolerance_as_wide_as_the_answers_proves_nothing(tmp_path):
    model = keras.Sequential([keras.Input((64,), name="x"), layers.Dense(32)])
    model.layers[0].set_weights([np.full((64, 32), 3e-4, np.float32), np.zeros(32, np.float32)])
    with pytest.warns(UserWarning, match="one would pass for all"):
        aios.export(model, tmp_path / "m.cell", engines="litert", precisions="int8")
    failed = _artifact(tmp_path / "m.cell", "int8")
    assert failed.worst <= 1
    assert failed.verdict == "failed"


def test_errors_as_large_as_small_answers_are_not_trusted(lowered):
    class Set:
        def tells_apart(self, tolerance):
            return True

    made = _artifact(lowered.bundle, "int8")
    assert objection(replace(made, relative_error=0.12), [Set()]) is None
    assert "0.13 of the answer's largest value" in objection(
        replace(made, relative_error=0.13), [Set()]
    )
    assert objection(replace(made, relative_error=None), [Set()]) is None
    assert objection(replace(made, precision="float32", relative_error=1.0), [Set()]) is None
