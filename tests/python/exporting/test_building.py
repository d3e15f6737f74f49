"""Whatever an engine or a converter does, the export goes on with the other engines."""

import errno
import json
import os

import pytest
from vendor_stubs import build_stub

import aios
from aios.bridge.engines import library_paths
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,), name="x"), keras.layers.Dense(3)])


def test_a_vendor_that_crashes_is_declined_by_name(model, tmp_path, monkeypatch):
    stub = build_stub(tmp_path, "openvino", "segfault", "ov_core_compile_model")
    found = {**library_paths(), "openvino": stub}
    monkeypatch.setattr("aios.bridge.engines.library_paths", lambda: found)
    report = aios.export(model, tmp_path / "m.cell", engines=("litert", "openvino"))
    assert report.declined == {"openvino": "OpenVINO died by SIGSEGV while compiling"}
    assert report.errors.keys() == {"litert"}
    (litert, openvino) = read_manifest(tmp_path / "m.cell").artifacts
    assert litert.proved_in_child
    assert not openvino.proved_in_child
    assert openvino.verdict == "declined"
    with aios.load(tmp_path / "m.cell") as bridge:
        assert bridge.engine == "litert"


def test_what_was_proved_in_this_process_is_not_marked(model, tmp_path, monkeypatch):
    monkeypatch.setenv("AIOS_ISOLATION", "0")
    aios.export(model, tmp_path / "m.cell", engines="litert")
    (litert,) = read_manifest(tmp_path / "m.cell").artifacts
    assert (litert.verdict, litert.proved_in_child) == ("passed", False)
    manifest = json.loads((tmp_path / "m.cell" / "manifest.json").read_text())
    assert manifest["format_version"] == 1


@pytest.mark.parametrize("error", [KeyError("no such key"), RuntimeError("broke"), MemoryError()])
def test_a_converter_may_raise_anything(model, tmp_path, monkeypatch, error):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_saved_model", broken)
    report = aios.export(model, tmp_path / "m.cell", engines=("litert", "tensorflow"))
    assert report.errors.keys() == {"tensorflow"}
    expected = "enough memory" if isinstance(error, MemoryError) else str(error)
    assert expected in report.declined["litert"]


@pytest.mark.parametrize("engine", ["compiled", "litert", "openvino", "tensorflow"])
def test_a_maker_may_raise_anything(model, tmp_path, monkeypatch, engine):
    def broken(*_):
        (tmp_path / "made").mkdir(exist_ok=True)
        raise TypeError("a bug of ours")

    other = "litert" if engine == "tensorflow" else "tensorflow"
    monkeypatch.setitem(aios.exporting.engines.MAKERS, engine, broken)
    report = aios.export(model, tmp_path / "m.cell", engines=(engine, other))
    assert report.declined == {engine: "TypeError: a bug of ours"}
    assert report.errors.keys() == {other}


def test_a_lower_precision_may_raise_anything(model, tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setitem(aios.exporting.engines.REDUCERS, ("litert", "int8"), broken)
    report = aios.export(model, tmp_path / "m.cell", engines="litert", precisions="int8")
    exact, lowered = report.artifacts
    assert exact.verdict == "passed"
    assert (lowered.verdict, lowered.reason) == ("declined", "ZeroDivisionError: a bug of ours")


def test_batches_and_the_diagnosis_of_them_may_raise_anything(model, tmp_path, monkeypatch):
    from aios.proving.isolated import IsolatedProver

    ask = IsolatedProver.answers

    def broken(self, bundle, artifact, signature, inputs):
        if artifact.engine == "litert":
            raise OSError("a bug of ours")
        return ask(self, bundle, artifact, signature, inputs)

    def no_diagnosis(*_, **__):
        raise IndexError("another bug of ours")

    monkeypatch.setattr(IsolatedProver, "answers", broken)
    monkeypatch.setattr("aios.exporting.exporter.first_diverging_layer", no_diagnosis)
    with pytest.warns(UserWarning, match="in a batch: OSError: a bug of ours"):
        report = aios.export(model, tmp_path / "m.cell", engines=("litert", "tensorflow"))
    assert report.errors.keys() == {"tensorflow"}


@pytest.mark.parametrize(
    ("error", "expected"), [(MemoryError(), MemoryError), (KeyError("x"), aios.UnsupportedError)]
)
def test_nothing_is_published_if_no_engine_is_left(model, tmp_path, monkeypatch, error, expected):
    def broken(*_):
        raise error

    monkeypatch.setitem(aios.exporting.engines.MAKERS, "litert", broken)
    with pytest.raises(expected, match="nothing was exported"):
        aios.export(model, tmp_path / "m.cell", engines="litert")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_no_matter_of_one_engine(model, tmp_path, monkeypatch):
    def full(*_):
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise aios.UnsupportedError("the converter refused") from error

    monkeypatch.setitem(aios.exporting.engines.MAKERS, "litert", full)
    with pytest.raises(aios.OverloadedError, match="is full"):
        aios.export(model, tmp_path / "m.cell", engines=("litert", "tensorflow"))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_ends_the_export_and_the_child(model, tmp_path, monkeypatch):
    started = []

    def interrupted(work, source, golden, tolerance, prover):
        started.append(prover)
        raise KeyboardInterrupt

    monkeypatch.setitem(aios.exporting.engines.MAKERS, "litert", interrupted)
    with pytest.raises(KeyboardInterrupt):
        aios.export(model, tmp_path / "m.cell", engines=("litert", "tensorflow"))
    assert started[0]._child is None
    assert list(tmp_path.iterdir()) == []
