"""The graphs that a bundle is compiled from again, and where they are."""

import pytest

from aios.bundle.manifest import read_manifest
from aios.errors import CorruptBundleError, UnsupportedError
from aios.exporting.recompile import compile_bundle, folder_of, source_graphs


def test_inner_sizes_name_a_folder():
    assert folder_of({}) == "."
    assert folder_of({"x": (16,)}) == "16"
    assert folder_of({"x": (224, 224), "y": (64,)}) == "224x224_64"


def test_the_graphs_of_a_bundle_are_those_that_were_exported(digits):
    graphs = source_graphs(digits.bundle, read_manifest(digits.bundle))
    assert {batch: path.name for batch, path in graphs.items()} == {1: "b1.tflite", 8: "b8.tflite"}


def test_a_graph_that_was_changed_is_named(bundle_copy):
    manifest = read_manifest(bundle_copy)
    path = source_graphs(bundle_copy, manifest)[8]
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CorruptBundleError, match=r"'compiled/source/b8.tflite' isn't what was"):
        source_graphs(bundle_copy, manifest)


def test_a_bundle_without_graphs_says_why(digits):
    from dataclasses import replace

    manifest = read_manifest(digits.bundle)
    rest = [a for a in manifest.artifacts if a.engine != "compiled"]
    without = replace(manifest, artifacts=tuple(rest))
    with pytest.raises(UnsupportedError, match="exported without the engine 'compiled'"):
        source_graphs(digits.bundle, without)
    reason = replace(rest[0], engine="compiled", files=(), graphs=(), reason="CONV_9D")
    with pytest.raises(UnsupportedError, match="no graphs to compile: CONV_9D"):
        source_graphs(digits.bundle, replace(manifest, artifacts=(*rest, reason)))


def test_native_code_may_be_refused_before_anything_is_compiled(digits, monkeypatch):
    monkeypatch.setenv("AIOS_ALLOW_NATIVE", "0")
    with pytest.raises(UnsupportedError, match="AIOS_ALLOW_NATIVE=0 is set"):
        compile_bundle(digits.bundle)
