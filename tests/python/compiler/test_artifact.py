"""What a compilation makes: the same bytes, a clean library, any batch, clear refusals."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aios.compiler import artifact, compile_graphs, declined_operators, emit_sources
from aios.compiler.host import CompiledModel, Parallel, _ParallelRun
from aios.compiler.toolchain import find_toolchain, include_folder
from aios.errors import (
    CorruptBundleError,
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    UnsupportedError,
)

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")
L = keras.layers


def _digits() -> Any:
    source = keras.Input((10,), name="x")
    hidden = L.Dense(32, "relu")(L.Dense(64, "relu")(source))
    return keras.Model(source, L.Dense(3, "softmax")(hidden))


def _small_cnn() -> Any:
    source = keras.Input((12, 12, 1))
    tensor = L.MaxPooling2D()(L.Conv2D(8, 3, activation="relu")(source))
    tensor = L.Conv2D(12, 3, padding="same", activation="relu")(tensor)
    return keras.Model(source, L.Dense(10, "softmax")(L.Flatten()(tensor)))


def _recurrent() -> Any:
    source = keras.Input((7, 3))
    return keras.Model(source, L.Dense(2)(L.GRU(6)(L.LSTM(5, return_sequences=True)(source))))


def test_the_same_graphs_give_the_same_bytes(compiled: Any, tmp_path: Path) -> None:
    model = compiled(_digits())
    elsewhere = tmp_path / "another folder"
    compile_graphs(model.source.graphs, elsewhere, name="model")
    for name in ("model.so", "weights.bin", "model.cc"):
        assert (elsewhere / name).read_bytes() == (model.folder / name).read_bytes(), name


def test_library_names_no_path_and_needs_only_libc_and_libm(compiled: Any, tmp_path: Path) -> None:
    model = compiled(_small_cnn())
    content = (model.folder / "model.so").read_bytes()
    assert str(tmp_path).encode() not in content
    assert str(include_folder()).encode() not in content
    dynamic = subprocess.run(
        ["readelf", "-d", model.folder / "model.so"], capture_output=True, text=True, check=True
    ).stdout
    needed = {line.split("[")[1].rstrip("]") for line in dynamic.splitlines() if "(NEEDED)" in line}
    assert needed <= {"libc.so.6", "libm.so.6"}


def test_library_exports_one_symbol_and_calls_nothing_that_allocates(compiled: Any) -> None:
    model = compiled(_recurrent())
    symbols = subprocess.run(
        ["nm", "-D", model.folder / "model.so"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    exported = [line.split()[-1] for line in symbols if " U " not in line and " w " not in line]
    assert exported == ["aios_compiled_model_v1"]
    imported = {line.split()[-1].split("@")[0] for line in symbols if " U " in line}
    assert imported <= {"memcpy", "memset", "memmove"}


@pytest.mark.parametrize("build", [_digits, _small_cnn, _recurrent])
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


@pytest.mark.parametrize("build", [_digits, _small_cnn, _recurrent])
def test_any_batch_answers_as_single_samples(build: Any, compiled: Any) -> None:
    model = compiled(build(), moved=True)
    (arrays,) = model.source.draw(100)
    (expected,) = model.source.expected([arrays])
    for batch in (*range(10), 15, 16, 17, 31, 64, 100):
        (answer,) = model.run(arrays[:batch].copy())
        assert answer.shape == (batch, *expected.shape[1:])
        np.testing.assert_allclose(answer, expected[:batch], rtol=1e-4, atol=1e-5)


def test_batch_4096_is_right_to_the_last_sample(compiled: Any) -> None:
    model = compiled(_digits(), moved=True)
    (arrays,) = model.source.draw(4096)
    assert model.worst([arrays]) < 1.0


def test_tensors_at_odd_addresses_are_taken(compiled: Any) -> None:
    model = compiled(_small_cnn(), moved=True)
    (arrays,) = model.source.draw(9)
    (expected,) = model.run(arrays)
    room = np.empty(arrays.size + 1, np.float32)
    shifted = room[1:].reshape(arrays.shape)
    shifted[:] = arrays
    np.testing.assert_array_equal(model.run(shifted)[0], expected)


def _thread_pool(lanes: int, seen: set[int]) -> Parallel:
    def run(_: Any, count: int, task: Any, argument: Any) -> None:
        def worker(lane: int) -> None:
            for index in range(lane, count, lanes):
                seen.add(index)
                task(argument, index, lane)

        threads = [threading.Thread(target=worker, args=(lane,)) for lane in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return Parallel(ctypes.sizeof(Parallel), lanes, None, _ParallelRun(run))


def test_threads_of_the_host_share_a_large_batch(compiled: Any) -> None:
    model = compiled(_digits(), moved=True)
    (arrays,) = model.source.draw(3001)
    seen: set[int] = set()
    (answer,) = model.run.run([arrays], _thread_pool(3, seen))
    np.testing.assert_array_equal(answer, model.run(arrays)[0])
    assert seen == {0, 1, 2}


def test_a_small_batch_stays_in_the_callers_thread(compiled: Any) -> None:
    model = compiled(_digits(), moved=True)
    (arrays,) = model.source.draw(16)
    seen: set[int] = set()
    model.run.run([arrays], _thread_pool(2, seen))
    assert not seen


def test_threads_of_the_host_share_one_large_sample(compiled: Any) -> None:
    source = keras.Input((40, 40, 32))
    tensor = L.Conv2D(32, 3, padding="same", activation="relu")(source)
    tensor = L.Conv2D(64, 1)(tensor) + L.Conv2D(64, 5, strides=1, padding="same")(tensor)
    tensor = L.DepthwiseConv2D(5, padding="same")(tensor)
    tensor = L.Conv2D(160, 1, strides=2)(tensor)
    tensor = L.Reshape((-1, 64))(tensor)
    tensor = L.MultiHeadAttention(4, 16)(tensor, tensor)
    model = compiled(keras.Model(source, L.Dense(130, "gelu")(tensor)), moved=True)
    assert "lanes.share(" in (model.folder / "model.cc").read_text()
    (arrays,) = model.source.draw(1)
    (expected,) = model.run(arrays)
    for lanes in (2, 3, 7):
        seen: set[int] = set()
        (answer,) = model.run.run([arrays], _thread_pool(lanes, seen))
        np.testing.assert_array_equal(answer, expected)
        assert len(seen) > 1
    assert model.worst([arrays]) < 1.0


@pytest.mark.parametrize("target", ["x86-64-v3", "x86-64-v4"])
def test_descriptor_states_what_the_processor_must_have(target: str, compiled: Any) -> None:
    model = compiled(_digits(), target=target)
    features = set(model.artifact.cpu_features)
    assert {"avx2", "fma", "bmi2", "f16c", "lzcnt", "movbe"} <= features
    assert ("avx512f" in features) == (target == "x86-64-v4")
    word = model.run.descriptor.cpu_features
    assert bool(word & (1 << 9))  # AIOS_CPU_AVX2
    assert bool(word & (1 << 13)) == (target == "x86-64-v4")  # AIOS_CPU_AVX512F
    assert word.bit_count() == len(features)
    assert model.run.descriptor.target.decode() == target


@pytest.mark.parametrize("build", [_digits, _small_cnn, _recurrent])
def test_target_of_eight_lanes_answers_as_keras(build: Any, compiled: Any) -> None:
    model = compiled(build(), moved=True, target="x86-64-v3")
    assert model.worst(model.source.draw(11)) < 1.0


def test_artifact_reports_sizes_names_and_counts(compiled: Any) -> None:
    model = compiled(_digits(), name="digits", input_names=["x"], output_names=["class"])
    made, descriptor = model.artifact, model.run.descriptor
    assert made.multiply_adds == 10 * 64 + 64 * 32 + 32 * 3
    assert descriptor.multiply_adds == made.multiply_adds
    assert descriptor.workspace_bytes == made.workspace_bytes
    assert made.operators == {"FULLY_CONNECTED": 3, "SOFTMAX": 1}
    assert descriptor.name.decode() == "digits"
    assert model.run.inputs == [("x", np.dtype("float32"), (-1, 10))]
    assert model.run.outputs == [("class", np.dtype("float32"), (-1, 3))]
    assert [p.name for p in made.files] == ["model.so", "weights.bin", "model.cc"]


def test_both_batches_share_their_weights(compiled: Any, tmp_path: Path) -> None:
    model = compiled(_digits())
    alone = compile_graphs({1: model.source.graphs[1]}, tmp_path / "alone", name="model")
    one, both = (
        (folder / "weights.bin").stat().st_size for folder in (tmp_path / "alone", model.folder)
    )
    assert one == both
    assert alone.batch_sizes == (1,)


def test_a_batch_that_does_not_pay_is_not_translated(
    compiled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = compiled(_small_cnn())
    lowered, lower = [], artifact.lower_graph

    def counting(graph: Any, *rest: Any) -> Any:
        lowered.append(graph.tensors[graph.inputs[0]].shape[0])
        return lower(graph, *rest)

    monkeypatch.setattr(artifact, "lower_graph", counting)
    monkeypatch.setattr(artifact, "pays", lambda work, nbytes: False)
    made = compile_graphs(model.source.graphs, tmp_path / "once", name="model")
    assert lowered == [1]
    assert made.batch_sizes == (1,)
    assert made.any_batch


def test_a_batch_below_zero_is_refused(compiled: Any) -> None:
    model = compiled(_digits())
    status = model.run.descriptor.run(None, None, -1, None, None, None)
    assert status == 3


def test_a_single_batch_size_other_than_one_is_fixed(compiled: Any, tmp_path: Path) -> None:
    model = compiled(_digits(), moved=True)
    made = compile_graphs({8: model.source.graphs[8]}, tmp_path / "fixed", name="fixed")
    fixed = CompiledModel(tmp_path / "fixed")
    assert not made.any_batch
    assert fixed.inputs[0][2] == (8, 10)
    (arrays,) = model.source.draw(8)
    np.testing.assert_array_equal(fixed(arrays)[0], model.run(arrays)[0])
    assert fixed.descriptor.run(None, None, 7, None, None, None) == 3
    sizes = {4: model.source.graphs[1], 8: model.source.graphs[8]}
    with pytest.raises((InvalidArgumentError, UnsupportedError), match="batch"):
        compile_graphs(sizes, tmp_path / "none", name="none")


def test_operators_of_an_unexpected_form_are_declined_not_raised() -> None:
    from aios.compiler.graph import Graph, Operator, Tensor

    tensor = Tensor("t", (1, 4), np.dtype(np.float32))
    strange = Operator("CONV_2D", (0, 0), (1,), {"padding": 0})
    graph = Graph((tensor, tensor), (strange,), (0,), (1,), ("x",), ("y",))
    (name,) = declined_operators(graph)
    assert name.startswith("CONV_2D")


def _quantised(folder: Path) -> Path:
    import tensorflow as tf

    model = _small_cnn()
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [np.random.default_rng(i).normal(size=(1, 12, 12, 1)).astype(np.float32)] for i in range(4)
    )
    path = folder / "int8.tflite"
    path.write_bytes(converter.convert())
    return path


def test_quantised_operators_are_declined_by_name_and_count(tmp_path: Path) -> None:
    path = _quantised(tmp_path)
    declined = declined_operators(path)
    assert declined
    assert any(name.startswith("CONV_2D") and count == 2 for name, count in declined.items())
    with pytest.raises(UnsupportedError, match=r"CONV_2D.* x2"):
        compile_graphs({1: path}, tmp_path / "out", name="int8")
    assert not (tmp_path / "out" / "model.so").exists()


def test_supported_graphs_decline_nothing(compiled: Any) -> None:
    assert declined_operators(compiled(_recurrent()).source.graphs[8]) == {}


def test_float16_weights_are_folded(compiled: Any, tmp_path: Path) -> None:
    import tensorflow as tf

    model = compiled(_digits(), moved=True)
    converter = tf.lite.TFLiteConverter.from_keras_model(model.source.model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    content = converter.convert()
    path = tmp_path / "half.tflite"
    path.write_bytes(content)
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], [1, 10])
    interpreter.allocate_tensors()
    declined = declined_operators(path)
    assert "DEQUANTIZE" not in str(declined)


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
    model = compiled(_digits())
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
    model = compiled(_digits())
    slow = tmp_path / "slow-c++"
    slow.write_text(
        '#!/bin/sh\ncase "$*" in *--version*|*-dM*) exec c++ "$@";; esac\nexec sleep 60\n'
    )
    slow.chmod(0o755)
    monkeypatch.setenv("CXX", str(slow))
    with pytest.raises(DeadlineExceededError, match=r"longer than 0\.5 s"):
        compile_graphs(model.source.graphs, tmp_path / "slow", name="model", timeout_s=0.5)


def test_damaged_graphs_are_named(compiled: Any, tmp_path: Path) -> None:
    model = compiled(_digits())
    content = model.source.graphs[1].read_bytes()
    for size in (0, 3, 8, 100, len(content) // 2, len(content) - 40):
        path = tmp_path / "cut.tflite"
        path.write_bytes(content[:size])
        with pytest.raises(CorruptBundleError, match=r"cut\.tflite"):
            compile_graphs({1: path}, tmp_path / "cut", name="model")
    with pytest.raises(NotFoundError, match=r"none\.tflite"):
        compile_graphs({1: tmp_path / "none.tflite"}, tmp_path / "cut", name="model")


def test_weights_of_another_model_are_refused_by_the_host(compiled: Any) -> None:
    model = compiled(_digits())
    weights = model.folder / "weights.bin"
    weights.write_bytes(bytes(len(weights.read_bytes())))
    with pytest.raises(CorruptBundleError, match=r"weights\.bin"):
        CompiledModel(model.folder)


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
def test_emitted_sources_build_and_answer_without_the_package(
    compiled: Any, tmp_path: Path
) -> None:
    model = compiled(_small_cnn(), moved=True)
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
    model = compiled(_digits())
    with pytest.raises(InvalidArgumentError, match="C identifier"):
        emit_sources(model.source.graphs, tmp_path / "emitted", name="my model")
