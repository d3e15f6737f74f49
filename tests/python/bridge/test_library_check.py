"""A vendor's library that does harm is declined when a bundle is loaded, and the process lives."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tolerance import assert_within_tolerance
from vendor_stubs import build_stub

import aios
from aios.bridge.engines import library_path, library_paths
from aios.bridge.isolation import library_check
from aios.bundle.manifest import read_manifest, write_manifest

pytestmark = pytest.mark.native


@pytest.fixture
def libraries(monkeypatch, tmp_path):
    """Libraries to find in place of those that are installed; none is known good."""
    found = library_paths()
    monkeypatch.setattr("aios.bridge.bridge.library_paths", lambda: found)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return found


@pytest.fixture
def no_reserves(bundle_copy):
    """A bundle whose engines are proved alike, so that `auto` tries each."""
    manifest = read_manifest(bundle_copy)
    artifacts = tuple(
        replace(artifact, proven_range=None, probes=0, propagated=0)
        for artifact in manifest.artifacts
    )
    write_manifest(bundle_copy, replace(manifest, artifacts=artifacts))
    return bundle_copy


@pytest.mark.parametrize(
    "case",
    [
        ("segfault", "constructor", "died by SIGSEGV"),
        ("abort", "ov_core_create", "died by SIGABRT"),
        ("segfault", "ov_core_compile_model", "died by SIGSEGV"),
        ("exit", "ov_core_read_model", "ended its process with exit code 3"),
        ("hang", "ov_core_create", "gave no answer for 2.5 s"),
    ],
)
def test_a_load_declines_it_by_name(digits, no_reserves, libraries, monkeypatch, case):
    harm, at, words = case
    folder = no_reserves.parent
    monkeypatch.setenv("AIOS_ENGINE_TIME_LIMIT_S", "2.5" if harm == "hang" else "60")
    libraries["openvino"] = build_stub(folder, "openvino", harm, at)
    reason = f"OpenVINO {words} when its library '{libraries['openvino']}' was tried"
    with pytest.raises(aios.UnsupportedError, match=reason):
        aios.load(digits.bundle, engine="openvino")
    with aios.load(no_reserves) as bridge:
        answers = bridge.perform_inference(digits.x_test[:1])
        (row,) = [row for row in bridge.explain() if row.engine == "openvino"]
    assert_within_tolerance(answers, np.asarray(digits.model(digits.x_test[:1])))
    assert row.reason.startswith(reason)
    assert not list((folder / "cache" / "aios").glob("libraries/*"))


def test_every_vendor_is_named(digits, libraries, tmp_path, monkeypatch):
    monkeypatch.setenv("AIOS_ALLOW_NATIVE", "0")
    libraries["litert"] = build_stub(tmp_path, "litert", "abort", "LiteRtCreateModelFromBuffer")
    libraries["tensorflow"] = build_stub(
        tmp_path, "tensorflow", "segfault", "TF_GraphImportGraphDef"
    )
    del libraries["openvino"]
    with pytest.raises(aios.NotFoundError, match=r"LiteRT died by SIGABRT when its library"):
        aios.load(digits.bundle)
    with pytest.raises(aios.UnsupportedError, match=r"TensorFlow died by SIGSEGV when its library"):
        aios.load(digits.bundle, engine="tensorflow")


_LOAD = """
import sys
import aios
from aios.bridge import bridge
bridge.library_paths = lambda: {"litert": sys.argv[1]}
aios.load(sys.argv[2], engine="litert").close()
"""


def test_a_library_that_is_known_good_is_not_tried_again(digits, tmp_path, run_python):
    library = shutil.copy(library_path("litert"), tmp_path / "libLiteRt.so")
    tried = tmp_path / "tried.txt"
    checker = tmp_path / "checker.sh"
    checker.write_text(f'#!/bin/sh\necho "$1 $2" >> {tried}\nprintf be\n')
    checker.chmod(0o755)
    code = f"import sys; sys.argv[1:] = [{str(library)!r}, {str(digits.bundle)!r}]" + _LOAD
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "AIOS_LIBRARY_CHECK": str(checker)}
    for _ in range(2):
        run_python(code, **environment)
    assert tried.read_text() == f"litert {library}\n"
    (mark,) = (tmp_path / "cache" / "aios" / "libraries").iterdir()
    assert mark.read_text().splitlines()[:2] == [str(library), str(os.stat(library).st_size)]
    os.utime(library, (1, 1))
    run_python(code, **environment)
    assert tried.read_text() == f"litert {library}\n" * 2


def test_a_library_that_a_verification_ran_is_known_good(digits, libraries, tmp_path):
    from aios.proving import open_prover

    with open_prover() as prover:
        prover.verify(digits.bundle, only=["litert"])
    (mark,) = (tmp_path / "cache" / "aios" / "libraries").iterdir()
    assert mark.read_text().splitlines()[0] == libraries["litert"]


def test_the_bundle_that_libraries_are_tried_with_runs_on_every_engine():
    from aios.bridge.library_check import TRIAL
    from aios.proving import open_prover

    with open_prover() as prover:
        entries = prover.verify(TRIAL)
    assert {entry.engine for entry in entries} == {"litert", "openvino", "tensorflow"}
    assert all(entry.ok for entry in entries if not entry.not_run)
    assert sum(path.stat().st_size for path in TRIAL.rglob("*") if path.is_file()) < 16_384


def test_nothing_is_tried_where_the_user_wants_it_so(monkeypatch):
    assert Path(library_check()[0]).name.startswith("python")
    monkeypatch.setenv("AIOS_ISOLATION", "0")
    assert library_check() == []
    monkeypatch.delenv("AIOS_ISOLATION")
    monkeypatch.setenv("AIOS_LIBRARY_CHECK", "mine")
    assert library_check() == []
