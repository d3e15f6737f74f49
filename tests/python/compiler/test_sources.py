"""Sources that build without the package."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import digits_net, small_cnn

from aios.compiler import emit_sources
from aios.errors import (
    InvalidArgumentError,
)

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
def test_emitted_sources_build_and_answer_without_the_package(
    compiled: Any, tmp_path: Path
) -> None:
    model = compiled(small_cnn(), moved=True)
    emit_sources(model.source.graphs, tmp_path / "emitted", name="cnn")
    program = tmp_path / "program"
    program.mkdir()
    (program / "main.c").write_text(
        '#include <stdio.h>\n#include "model.h"\n'
        "static _Alignas(64) char workspace[CNN_WORKSPACE_BYTES];\n"
        "int main(void) {\n  static float x[2 * 144], y[2 * 10];\n"
        "  if (fread(x, 4, 288, stdin) != 288) return 2;\n"
        "  if (cnn_run(x, y, 2, workspace) != AIOS_COMPILED_OK) return 3;\n"
        "  return fwrite(y, 4, 20, stdout) == 20 ? 0 : 4;\n}\n"
    )
    (program / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(program C CXX)\n"
        "add_subdirectory(../emitted emitted)\nadd_executable(program main.c)\n"
        "target_link_libraries(program PRIVATE cnn)\n"
    )
    for command in (
        ["cmake", "-S", program, "-B", program / "b"],
        ["cmake", "--build", program / "b"],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    (arrays,) = model.source.draw(2)
    done = subprocess.run(
        [program / "b" / "program"], input=arrays.tobytes(), capture_output=True, check=True
    )
    answer = np.frombuffer(done.stdout, np.float32).reshape(2, 10)
    np.testing.assert_array_equal(answer, model.run(arrays)[0])


def test_emitted_sources_need_an_identifier(compiled: Any, tmp_path: Path) -> None:
    model = compiled(digits_net())
    with pytest.raises(InvalidArgumentError, match="C identifier"):
        emit_sources(model.source.graphs, tmp_path / "emitted", name="my model")
