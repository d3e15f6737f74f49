"""The openvino engine's files."""

import pytest

from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")


def _artifact(bundle, precision, engine="litert"):
    (found,) = [
        artifact
        for artifact in read_manifest(bundle).artifacts
        if (artifact.engine, artifact.precision) == (engine, precision)
    ]
    return found


def test_bfloat16_shares_float32s_files_on_a_cpu_that_has_it(lowered):
    exact = _artifact(lowered.bundle, "float32", "openvino")
    made = _artifact(lowered.bundle, "bfloat16", "openvino")
    if exact.verdict == "declined":
        pytest.skip(exact.reason)
    if made.verdict == "declined":
        assert "this CPU or version runs" in made.reason
        return
    assert made.files == exact.files
    assert made.verdict == "passed"
    assert 10 * exact.max_error < made.max_error
    assert 0 < made.worst <= 1
