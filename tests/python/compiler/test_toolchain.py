"""The C++ compiler: which one, for which target, and what when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_models import digits_net, recurrent_net, small_cnn

from aios.compiler import compile_graphs
from aios.compiler.toolchain import find_toolchain
from aios.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
)

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")


@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v4"])
def test_descriptor_states_what_the_processor_must_have(target: str, compiled: Any) -> None:
    model = compiled(digits_net(), target=target)
    features = set(model.artifact.cpu_features)
    assert {"avx2", "fma", "bmi2", "f16c", "lzcnt", "movbe"} <= features
    assert ("avx512f" in features) == (target == "x86-64-v4")
    word = model.run.descriptor.cpu_features
    assert bool(word & (1 << 9))  # AIOS_CPU_AVX2
    assert bool(word & (1 << 13)) == (target == "x86-64-v4")  # AIOS_CPU_AVX512F
    assert word.bit_count() == len(features)
    assert model.run.descriptor.target.decode() == target


@pytest.mark.parametrize("build", [digits_net, small_cnn, recurrent_net])
def test_target_of_eight_lanes_answers_as_keras(build: Any, compiled: Any) -> None:
    model = compiled(build(), moved=True, target="x86-64-v3")
    assert model.worst(model.source.draw(11)) < 1.0


def test_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotFoundError, match=r"no C\+\+17 compiler.*install g\+\+"):
        find_toolchain("native")


def test_unknown_target_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="x86-64-v3"):
        find_toolchain("pentium")


def test_compiler_that_fails_shows_its_words(
    compiled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = compiled(digits_net())
    broken = tmp_path / "broken-c++"
    broken.write_text(
        '#!/bin/sh\ncase "$*" in *--version*|*-dM*) exec c++ "$@";; esac\n'
        "echo 'disk on fire' >&2\nexit 7\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    with pytest.raises(InternalError, match=r"(?s)exit status 7.*disk on fire"):
        compile_graphs(model.source.graphs, tmp_path / "broken", name="model")


def test_compiler_that_hangs_is_stopped(
    compiled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = compiled(digits_net())
    slow = tmp_path / "slow-c++"
    slow.write_text(
        '#!/bin/sh\ncase "$*" in *--version*|*-dM*) exec c++ "$@";; esac\nexec sleep 60\n'
    )
    slow.chmod(0o755)
    monkeypatch.setenv("CXX", str(slow))
    with pytest.raises(DeadlineExceededError, match=r"longer than 0\.5 s"):
        compile_graphs(model.source.graphs, tmp_path / "slow", name="model", timeout_s=0.5)
