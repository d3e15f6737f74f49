"""A vendor's library that dies, hangs or ends its process does so in a child; the others go on."""

import sys

import numpy as np
import pytest
from vendor_stubs import build_stub

from aios.bridge.engines import library_path
from aios.bridge.isolation import may_isolate
from aios.bundle.manifest import read_manifest
from aios.errors import InvalidArgumentError
from aios.proving import EngineDiedError, open_prover
from aios.proving.isolated import IsolatedProver

pytestmark = pytest.mark.native


@pytest.fixture
def libraries(monkeypatch):
    """Libraries to find in place of those that are installed; empty at first."""
    found = {}
    monkeypatch.setattr("aios.bridge.engines.library_paths", lambda: found)
    return found


def _verified(bundle, time_limit_s=None, only=None):
    with IsolatedProver(time_limit_s) as prover:
        return {entry.engine: entry for entry in prover.verify(bundle, only=only)}


def test_engines_that_die_are_named_with_what_they_did_and_the_others_go_on(
    digits, libraries, tmp_path
):
    libraries["litert"] = build_stub(tmp_path, "litert", "abort", "constructor")
    libraries["openvino"] = library_path("openvino")
    libraries["tensorflow"] = build_stub(tmp_path, "tensorflow", "exit", "TF_NewGraph")
    entries = _verified(digits.bundle)
    assert {engine: entry.reason for engine, entry in entries.items()} == {
        "compiled": "",
        "litert": "LiteRT died by SIGABRT while opening",
        "openvino": "",
        "tensorflow": "TensorFlow ended its process with exit code 3 while opening",
    }
    assert all(entry.ok != bool(entry.reason) for entry in entries.values())
    assert not any(entry.not_run for entry in entries.values())


def test_an_engine_that_hangs_is_ended_after_the_time_limit(digits, libraries, tmp_path):
    libraries["openvino"] = build_stub(tmp_path, "openvino", "hang", "ov_core_read_model")
    (entry,) = _verified(digits.bundle, 1.5, only=["openvino"]).values()
    assert entry.reason == (
        "OpenVINO gave no answer for 1.5 s while reading (AIOS_ENGINE_TIME_LIMIT_S sets the limit)"
    )
    assert not entry.ok


def test_a_library_that_dies_when_it_is_opened_is_not_opened_again(digits, libraries, tmp_path):
    libraries["openvino"] = build_stub(tmp_path, "openvino", "abort", "ov_core_create")
    (record,) = (a for a in read_manifest(digits.bundle).artifacts if a.engine == "openvino")
    x = {"x": digits.x_test[:2]}
    with IsolatedProver() as prover:
        with pytest.raises(EngineDiedError) as first:
            prover.answers(digits.bundle, record, "serving_default", x)
        assert prover._child is None
        with pytest.raises(EngineDiedError) as second:
            prover.answers(digits.bundle, record, "serving_default", x)
        assert prover._child is None
    assert str(first.value) == str(second.value) == "OpenVINO died by SIGABRT while opening"


def test_engines_share_a_child_and_answer_as_the_training_model_does(digits):
    manifest = read_manifest(digits.bundle)
    (signature,) = manifest.signatures
    x = np.asfortranarray(digits.x_test[:5])
    with open_prover() as prover:
        assert prover.isolated
        child = prover._child
        for artifact in manifest.artifacts:
            if artifact.verdict == "passed":
                (answer,) = prover.answers(
                    digits.bundle, artifact, signature.name, {signature.inputs[0].name: x}
                ).values()
                np.testing.assert_allclose(answer, digits.model(x), atol=1e-4)
        assert prover._child is child


def test_engines_stay_in_the_process_where_the_user_or_the_program_wants_it(monkeypatch):
    assert may_isolate()
    assert not may_isolate({"AIOS_ISOLATION": "0"})
    monkeypatch.setenv("AIOS_ISOLATION", "0")
    with open_prover() as prover:
        assert not prover.isolated
    monkeypatch.delenv("AIOS_ISOLATION")
    for name, value in (("executable", "/usr/bin/blender"), ("executable", ""), ("frozen", True)):
        with monkeypatch.context() as program:
            program.setattr(sys, name, value, raising=False)
            assert not may_isolate()


@pytest.mark.parametrize("value", ["soon", "0", "-1", "inf", "nan"])
def test_a_time_limit_that_is_none_is_refused(monkeypatch, value):
    monkeypatch.setenv("AIOS_ENGINE_TIME_LIMIT_S", value)
    with pytest.raises(InvalidArgumentError, match="expected seconds, as 300, got"):
        IsolatedProver()
