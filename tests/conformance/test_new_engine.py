"""What a new engine takes: its folder (dense_engine), a row, an exporter, and its quirks here."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conformance.dense_engine.exporter import make
from conformance.kinds import KINDS, build
from conformance.test_conformance import require_equal_answers

import aios
from aios.bridge.engines import engine_names, facts_of, library_path

pytest.importorskip("keras", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.native

MAY_DECLINE = {kind.name for kind in KINDS} - {"dense"}
REPOSITORY = Path(__file__).resolve().parents[2]
# What the engine calls of the core, whose own symbols are hidden.
CORE = ("src/engines/engine.cpp", "src/core/tensor.cpp", "src/core/error.cpp")


@pytest.fixture(scope="module", autouse=True)
def engine_joins(tmp_path_factory):
    from aios.bridge.core import core
    from aios.bridge.isolation import ISOLATION
    from aios.exporting.engines import MAKERS

    compiler = os.environ.get("CXX") or shutil.which("c++")
    if not compiler:
        pytest.skip("needs the C++ compiler that builds aios: c++, or $CXX")
    library = tmp_path_factory.mktemp("dense_engine") / "dense_engine.so"
    sources = [REPOSITORY / "tests/conformance/dense_engine/dense_engine.cpp"]
    sources += [REPOSITORY / name for name in CORE]
    flags = ["-std=c++17", "-O1", "-fPIC", "-shared", f"-I{REPOSITORY}/include"]
    subprocess.run(
        [*compiler.split(), *flags, f"-I{REPOSITORY}/src", *sources, "-o", library], check=True
    )
    loaded = ctypes.CDLL(str(library))
    loaded.dense_row.restype = loaded.row_layout.restype = ctypes.c_size_t
    core._add_engine(loaded.dense_row(), loaded.row_layout())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MAKERS, "dense", make)
        # A child process wouldn't have it.
        patch.setenv(ISOLATION, "0")
        yield
    core._remove_engine()


def test_the_table_tells_of_it():
    assert engine_names()[-1] == "dense"
    facts = facts_of("dense")
    assert (facts.precisions, facts.devices) == (("float32",), ("cpu",))
    assert (facts.vendor, library_path("dense")) == ("", "")


def test_it_gives_keras_answers(tmp_path):
    (kind,) = (kind for kind in KINDS if kind.name not in MAY_DECLINE)
    made = build(kind, tmp_path, engines=("dense",))
    require_equal_answers(made, "dense")
    with aios.load(made.bundle) as bridge:
        assert bridge.engine == "dense"


def test_it_declines_other_models_by_name(tmp_path):
    kind = next(kind for kind in KINDS if kind.name == "conv1d")
    with pytest.raises(aios.UnsupportedError, match="dense declined: it has no Conv1D, only Dense"):
        build(kind, tmp_path, engines=("dense",))


def test_a_row_of_another_build_is_refused():
    from aios.bridge.core import core

    with pytest.raises(aios.UnsupportedError, match="compiled for another build of aios"):
        core._add_engine(0, 1)
