import json
import shutil
import subprocess

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import read_manifest

pytest.importorskip("ai_edge_litert", reason="needs the extra [litert]")


_PROGRAM = """#include <stdio.h>
#include <stdlib.h>
#include "model.h"
int main(void) {
  static float x[] = {SAMPLE}, y[10];
  void* workspace = aligned_alloc(64, (DIGITS_WORKSPACE_BYTES + 63) / 64 * 64);
  if (digits_run(x, y, 1, workspace) != 0) return 1;
  for (int i = 0; i < 10; ++i) printf("%.9g ", y[i]);
  return 0;
}
"""


def _compiled(bundle):
    return {a.target: a for a in read_manifest(bundle).artifacts if a.engine == "compiled"}


def test_a_target_is_added_and_verified(digits, bundle_copy, aios_command):
    before = _compiled(bundle_copy)
    shutil.rmtree(bundle_copy / "compiled/x86-64-v4", ignore_errors=True)
    shown = aios_command("compile", bundle_copy, "--target", "x86-64-v4", "--json")
    assert shown.returncode == 0, shown.stderr
    row = json.loads(shown.stdout)
    assert (row["engine"], row["target"]) == ("compiled", "x86-64-v4")
    assert row["batch_sizes"][:2] == [1, 8]
    assert row["multiply_adds"] > 64 * 10
    after = _compiled(bundle_copy)
    assert after.keys() == {*before, "x86-64-v4"}
    assert all(after[target] == artifact for target, artifact in before.items())
    runs_here = "avx512f" in aios_command("doctor", "--json").stdout
    assert row["verdict"] == ("passed" if runs_here else "pending")
    with aios.load(bundle_copy, engine="compiled", verify="full") as bridge:
        answers = bridge.perform_inference(digits.x_test)
    assert_within_tolerance(answers, np.asarray(digits.model(digits.x_test, training=False)))


def test_compiling_again_gives_the_same_bytes(bundle_copy, aios_command):
    before = _compiled(bundle_copy)["native"]
    assert aios_command("compile", bundle_copy).returncode == 0
    after = _compiled(bundle_copy)["native"]
    assert after == before
    assert json.loads(aios_command("verify", bundle_copy, "--json").stdout)["ok"]


def test_what_another_processor_runs_is_not_taken_unverified(bundle_copy, monkeypatch):
    from aios.bridge.fallback.records import ArtifactVerification
    from aios.exporting import recompile as bundled
    from aios.proving.isolated import IsolatedProver

    def refused(*_, **__):
        return [
            ArtifactVerification(
                "compiled", "x86-64-v3", "float32", reason="this processor lacks wings"
            )
        ]

    monkeypatch.setattr(IsolatedProver, "verify", refused)
    made = bundled.compile_bundle(bundle_copy, "x86-64-v3")
    assert made.record.verdict == "pending"
    assert "lacks wings" in made.record.reason
    with aios.load(bundle_copy) as bridge:
        targets = {row.target: row for row in bridge.explain() if row.engine == "compiled"}
    assert not targets["x86-64-v3"].chosen
    assert "lacks wings" in targets["x86-64-v3"].reason


def test_a_failing_compiler_leaves_the_bundle_as_it_was(bundle_copy, monkeypatch):
    from aios.exporting import recompile as bundled

    def failing(graphs, folder, **_):
        (folder / "model.cc").unlink()
        raise aios.InternalError("the compiler crashed")

    before = {p: p.read_bytes() for p in bundle_copy.rglob("*") if p.is_file()}
    monkeypatch.setattr(bundled, "compile_graphs", failing)
    with pytest.raises(aios.InternalError, match="crashed"):
        bundled.compile_bundle(bundle_copy)
    assert {p: p.read_bytes() for p in bundle_copy.rglob("*") if p.is_file()} == before
    assert [path.name for path in bundle_copy.parent.iterdir()] == [bundle_copy.name]


def test_damaged_or_missing_graphs_are_named(bundle_copy, aios_command):
    graph = bundle_copy / "compiled/source/b1.tflite"
    graph.write_bytes(graph.read_bytes()[:-1])
    shown = aios_command("compile", bundle_copy, "--json")
    assert shown.returncode == 1
    error = json.loads(shown.stdout)["error"]
    assert error["type"] == "CorruptBundleError"
    assert "compiled/source/b1.tflite" in error["message"]


def test_native_code_can_be_forbidden(bundle_copy, aios_command):
    shown = aios_command("compile", bundle_copy, AIOS_ALLOW_NATIVE="0")
    assert shown.returncode == 1
    assert "AIOS_ALLOW_NATIVE=0" in shown.stderr


def test_mistyped_words_are_answered(bundle_copy, aios_command):
    shown = aios_command("compile", bundle_copy, "--target", "x86-64-v33")
    assert shown.returncode == 2
    assert "did you mean 'x86-64-v3'?" in " ".join(shown.stderr.split())
    assert aios_command("compile", bundle_copy, "--name", "digits").returncode == 2
    assert aios_command("compile", "nothing.cell").returncode == 1


def test_emitted_sources_build_without_aios_and_answer(digits, bundle_copy, aios_command, tmp_path):
    shown = aios_command("compile", bundle_copy, "--emit", "out", "--name", "digits", "--json")
    assert shown.returncode == 0, shown.stderr
    files = json.loads(shown.stdout)["files"]
    assert {"out/model.cc", "out/model.h", "out/CMakeLists.txt"} <= set(files)
    assert aios_command("compile", bundle_copy, "--emit", "out").returncode == 1
    x = digits.x_test[3]
    (tmp_path / "main.c").write_text(_PROGRAM.replace("SAMPLE", ", ".join(map(str, x))))
    (tmp_path / "CMakeLists.txt").write_text(
        """cmake_minimum_required(VERSION 3.20)
project(embedded C CXX ASM)
add_subdirectory(out)
add_executable(embedded main.c)
target_link_libraries(embedded PRIVATE digits)
"""
    )
    for command in (["cmake", "-S", ".", "-B", "b"], ["cmake", "--build", "b"], ["b/embedded"]):
        finished = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
    answer = np.array(finished.stdout.split(), np.float32)
    with aios.load(bundle_copy, engine="compiled") as bridge:
        np.testing.assert_allclose(answer, bridge.perform_inference(x[np.newaxis])[0], atol=1e-6)
