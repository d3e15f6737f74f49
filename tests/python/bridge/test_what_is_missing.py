"""No compiler, a lesser processor, no library: the engine is refused, and `auto` goes on."""

import ctypes
import importlib.util
from dataclasses import replace

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bundle.manifest import hash_file, read_manifest, write_manifest

pytestmark = pytest.mark.native

#: Where `aios_compiled_model` has `cpu_features`, `workspace_bytes` and `weights_bytes`.
_FEATURES_AT = 32


@pytest.fixture
def lesser_processor(digits, bundle_copy):
    """A bundle whose compiled artifacts need what no processor has."""
    manifest = read_manifest(bundle_copy)
    for artifact in manifest.artifacts:
        if artifact.engine == "compiled":
            _need_every_feature(digits.bundle, bundle_copy, artifact.graphs[0].path)
    hashed = tuple(
        replace(item, files=tuple(hash_file(bundle_copy, file.path) for file in item.files))
        for item in manifest.artifacts
    )
    write_manifest(bundle_copy, replace(manifest, artifacts=hashed))
    return bundle_copy


def _need_every_feature(original, copy, path):
    library = ctypes.CDLL(str(original / path))
    model = ctypes.addressof(ctypes.c_char.in_dll(library, "aios_compiled_model_v1"))
    words = ctypes.string_at(model + _FEATURES_AT, 24)
    content = (copy / path).read_bytes()
    assert content.count(words) == 1
    (copy / path).write_bytes(content.replace(words, b"\xff" * 8 + words[8:]))


def test_a_processor_without_what_the_code_needs(lesser_processor, digits):
    with pytest.raises(aios.UnsupportedError, match=r"this processor lacks .*bit 63.*compile the"):
        aios.load(lesser_processor, engine="compiled")
    with aios.load(lesser_processor) as bridge:
        assert bridge.engine in ("litert", "openvino")
        reasons = [row.reason for row in bridge.explain() if row.engine == "compiled"]
        answers = bridge.perform_inference(digits.x_test)
    assert reasons
    assert all("this processor lacks" in reason for reason in reasons)
    assert_within_tolerance(answers, np.asarray(digits.model(digits.x_test, training=False)))


def test_an_export_without_a_compiler(tmp_path, monkeypatch):
    import keras

    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec",
        lambda name, *more: None if name == "ziglang" else find_spec(name, *more),
    )  # fmt: skip
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("CXX", "no-such-compiler")
    model = keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(3)])
    report = aios.export(model, tmp_path / "m.cell", engines=("compiled", "litert"))
    assert "no C++17 compiler" in report.declined["compiled"]
    assert "install g++" in report.declined["compiled"]
    with aios.load(tmp_path / "m.cell") as bridge:
        assert bridge.engine == "litert"
        (reason,) = [row.reason for row in bridge.explain() if row.engine == "compiled"]
    assert "install g++" in reason
    with pytest.raises(aios.NotFoundError, match=r"install g\+\+"):
        aios.load(tmp_path / "m.cell", engine="compiled")


def test_no_engine_at_all_names_each(digits, monkeypatch):
    monkeypatch.setenv("AIOS_ALLOW_NATIVE", "0")
    engines = ("litert", "openvino", "tensorflow")
    nowhere = {engine: f"/nowhere/{engine}.so" for engine in engines}
    monkeypatch.setattr("aios.bridge.bridge.library_paths", lambda: nowhere)
    with pytest.raises(aios.NotFoundError) as caught:
        aios.load(digits.bundle)
    assert "AIOS_ALLOW_NATIVE" in str(caught.value)
    for engine in engines:
        assert f"aios-cells[{engine}]" in str(caught.value)


def test_tensorflow_answers_where_no_lighter_engine_is_here(digits, monkeypatch):
    from aios.bridge.engines import library_paths

    monkeypatch.setenv("AIOS_ALLOW_NATIVE", "0")
    nowhere = {engine: f"/nowhere/{engine}.so" for engine in ("litert", "openvino")}
    libraries = {**library_paths(), **nowhere}
    monkeypatch.setattr("aios.bridge.bridge.library_paths", lambda: libraries)
    with aios.load(digits.bundle) as bridge:
        assert bridge.engine == "tensorflow"
        (chosen,) = [row for row in bridge.explain() if row.chosen]
        answers = bridge.perform_inference(digits.x_test[:3])
    assert chosen.reason == "no other engine here answers such calls"
    assert_within_tolerance(answers, np.asarray(digits.model(digits.x_test[:3], training=False)))
