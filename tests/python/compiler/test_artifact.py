"""What a compilation makes: the same bytes, a clean library, any batch, clear refusals."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import digits_net, recurrent_net, small_cnn

from aios.compiler import compile_graphs, declined_operators
from aios.compiler.toolchain import include_folder

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")


def test_the_same_graphs_give_the_same_bytes(compiled: Any, tmp_path: Path) -> None:
    model = compiled(digits_net())
    elsewhere = tmp_path / "another folder"
    compile_graphs(model.source.graphs, elsewhere, name="model")
    for name in ("model.so", "weights.bin", "model.cc"):
        assert (elsewhere / name).read_bytes() == (model.folder / name).read_bytes(), name


def test_library_names_no_path_and_needs_only_libc_and_libm(compiled: Any, tmp_path: Path) -> None:
    model = compiled(small_cnn())
    content = (model.folder / "model.so").read_bytes()
    assert str(tmp_path).encode() not in content
    assert str(include_folder()).encode() not in content
    dynamic = subprocess.run(
        ["readelf", "-d", model.folder / "model.so"], capture_output=True, text=True, check=True
    ).stdout
    needed = {line.split("[")[1].rstrip("]") for line in dynamic.splitlines() if "(NEEDED)" in line}
    assert needed <= {"libc.so.6", "libm.so.6"}


def test_library_exports_one_symbol_and_calls_nothing_that_allocates(compiled: Any) -> None:
    model = compiled(recurrent_net())
    symbols = subprocess.run(
        ["nm", "-D", model.folder / "model.so"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    exported = [line.split()[-1] for line in symbols if " U " not in line and " w " not in line]
    assert exported == ["aios_compiled_model_v1"]
    imported = {line.split()[-1].split("@")[0] for line in symbols if " U " in line}
    assert imported <= {"memcpy", "memset", "memmove"}


@pytest.mark.parametrize("build", [digits_net, small_cnn, recurrent_net])
def test_run_allocates_nothing_and_makes_no_system_call(
    build: Any, compiled: Any, tmp_path: Path
) -> None:
    model = compiled(build())
    runner = tmp_path / "runner"
    source = Path(__file__).parent / "runner.cc"
    command = ["c++", "-std=c++17", "-O1", f"-I{include_folder()}", source, "-o", runner, "-ldl"]
    subprocess.run(command, check=True)
    for batch in ("1", "13"):
        done = subprocess.run(
            [runner, model.folder, batch], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"died with {done.returncode}: a system call in run?"
        assert done.stdout == "0 000\n"


def test_artifact_reports_sizes_names_and_counts(compiled: Any) -> None:
    model = compiled(digits_net(), name="digits", input_names=["x"], output_names=["class"])
    made, descriptor = model.artifact, model.run.descriptor
    assert made.multiply_adds == 10 * 64 + 64 * 32 + 32 * 3
    assert descriptor.multiply_adds == made.multiply_adds
    assert descriptor.workspace_bytes == made.workspace_bytes
    assert made.operators == {"FULLY_CONNECTED": 3, "SOFTMAX": 1}
    assert descriptor.name.decode() == "digits"
    assert model.run.inputs == [("x", np.dtype("float32"), (-1, 10))]
    assert model.run.outputs == [("class", np.dtype("float32"), (-1, 3))]
    assert [p.name for p in made.files] == ["model.so", "weights.bin", "model.cc"]


def test_operators_of_an_unexpected_form_are_declined_not_raised() -> None:
    from aios.compiler.graph import Graph, Operator, Tensor

    tensor = Tensor("t", (1, 4), np.dtype(np.float32))
    strange = Operator("CONV_2D", (0, 0), (1,), {"padding": 0})
    graph = Graph((tensor, tensor), (strange,), (0,), (1,), ("x",), ("y",))
    (name,) = declined_operators(graph)
    assert name.startswith("CONV_2D")


def test_supported_graphs_decline_nothing(compiled: Any) -> None:
    assert declined_operators(compiled(recurrent_net()).source.graphs[8]) == {}
