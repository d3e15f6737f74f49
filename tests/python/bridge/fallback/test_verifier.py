"""Golden samples are judged as in C++."""

import pytest

from aios import _core
from aios.bridge import fallback
from aios.bridge.engines import library_paths

pytestmark = pytest.mark.native


def test_verify_bundle_gives_the_verdicts_of_the_cpp_cell(digits, wrong_golden):
    for bundle in (digits.bundle, wrong_golden):
        expected = {
            entry.engine: entry
            for entry in _core.verify_bundle(str(bundle), libraries=library_paths())
        }
        entries = {entry.engine: entry for entry in fallback.verify_bundle(str(bundle))}
        assert entries.keys() == expected.keys()
        for engine in ("litert", "tensorflow"):
            ours, theirs = entries[engine], expected[engine]
            assert (ours.ok, ours.samples) == (theirs.ok, theirs.samples)
            assert ours.worst == pytest.approx(theirs.worst, rel=0.5, abs=0.05)
        assert entries["compiled"].samples == 0
        assert "needs the C++ extension" in entries["compiled"].reason
    assert not entries["litert"].ok
    assert (entries["litert"].sample, entries["litert"].tensor) == (5, "output_0")
