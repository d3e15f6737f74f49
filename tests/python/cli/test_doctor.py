import json
import os
import sys

from typer.testing import CliRunner
from vendor_stubs import build_stub

from aios.cli.main import app


def test_engines_are_found_with_path_and_version(digits, doctor):
    shown, report = doctor()
    assert shown.returncode == 0
    assert shown.stderr == ""
    assert report["core"]["native"]
    engines = {engine["name"]: engine for engine in report["engines"]}
    assert set(engines) == {"compiled", "litert", "openvino", "tensorflow"}
    litert = engines["litert"]
    assert litert["found"]
    assert litert["supported"]
    assert os.path.isfile(litert["path"])
    assert litert["version"][0].isdigit()
    for engine in engines.values():
        assert {"name", "found", "path", "version", "supported", "remedy"} <= set(engine)
        assert engine["supported"] == (engine["remedy"] is None)


def test_cpu_compiler_and_home_are_described(tmp_path, doctor):
    _, report = doctor(AIOS_HOME=str(tmp_path / "home"))
    assert report["cpu"]["model"]
    assert 1 <= report["cpu"]["usable"] <= report["cpu"]["cpus"]
    assert report["cpu"]["thread_budget"] == report["cpu"]["usable"]
    assert report["cpu"]["target"]
    assert report["compiler"]["found"] == (report["compiler"]["remedy"] is None)
    assert report["home"] == {
        "path": str(tmp_path / "home"), "exists": False, "writable": True, "remedy": None
    }  # fmt: skip


def test_native_code_that_is_refused_is_said(doctor):
    _, report = doctor(AIOS_ALLOW_NATIVE="0")
    (compiled,) = [one for one in report["engines"] if one["name"] == "compiled"]
    assert not compiled["supported"]
    assert "AIOS_ALLOW_NATIVE" in compiled["remedy"]


def test_without_the_extension_it_says_what_is_missing_and_how_to_get_it(doctor):
    shown, report = doctor(AIOS_PURE_PYTHON="1")
    assert shown.returncode == 0
    assert not report["core"]["native"]
    assert "AIOS_PURE_PYTHON" in report["core"]["remedy"]
    supported = {engine["name"]: engine["supported"] for engine in report["engines"]}
    assert supported["litert"]
    assert not supported["compiled"]
    assert not supported["openvino"]


def test_a_missing_engine_names_its_extra(tmp_path, doctor):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'ai_edge_litert' else real(name, *a)\n"
    )
    _, report = doctor(PYTHONPATH=str(hidden))
    (litert,) = [one for one in report["engines"] if one["name"] == "litert"]
    assert not litert["found"]
    assert "pip install aios-cells[litert]" in litert["remedy"]


def test_an_engine_that_crashes_is_said_with_a_remedy(monkeypatch, tmp_path):
    stub = build_stub(tmp_path, "openvino", "segfault", "ov_core_compile_model")
    monkeypatch.setattr("aios.bridge.engines.library_paths", lambda: {"openvino": stub})
    monkeypatch.setattr("aios.bridge.engines.library_path", lambda _: stub)
    report = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    (openvino,) = [one for one in report["engines"] if one["name"] == "openvino"]
    assert not openvino["supported"]
    assert openvino["remedy"].startswith("OpenVINO died by SIGSEGV while compiling; pip install")


def test_no_compiler_is_said_with_a_remedy(tmp_path, doctor):
    (tmp_path / "bin").mkdir()
    _, report = doctor(PATH=str(tmp_path / "bin"), CXX="")
    if not report["compiler"]["found"]:
        assert report["compiler"]["remedy"]
        assert "compiler" in report["compiler"]["remedy"]


def test_the_table_is_for_people(aios_command):
    shown = aios_command("doctor")
    for part in ("compiled", "litert", "cpu", "compiler", "home", f"Python {sys.version[:4]}"):
        assert part in shown.stdout
