import json
import os
import sys

from typer.testing import CliRunner
from vendor_stubs import build_stub

from aios.cli.main import app


def _doctor(aios_command, *arguments, **environment):
    shown = aios_command("doctor", "--json", *arguments, **environment)
    return shown, json.loads(shown.stdout)


def test_engines_are_found_with_path_and_version(digits, aios_command):
    shown, report = _doctor(aios_command)
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


def test_cpu_compiler_and_home_are_described(aios_command, tmp_path):
    _, report = _doctor(aios_command, AIOS_HOME=str(tmp_path / "home"))
    assert report["cpu"]["model"]
    assert 1 <= report["cpu"]["usable"] <= report["cpu"]["cpus"]
    assert report["cpu"]["thread_budget"] == report["cpu"]["usable"]
    assert report["cpu"]["target"]
    assert report["compiler"]["found"] == (report["compiler"]["remedy"] is None)
    assert report["home"] == {
        "path": str(tmp_path / "home"), "exists": False, "writable": True, "remedy": None
    }  # fmt: skip


def test_native_code_that_is_refused_is_said(aios_command):
    _, report = _doctor(aios_command, AIOS_ALLOW_NATIVE="0")
    (compiled,) = [one for one in report["engines"] if one["name"] == "compiled"]
    assert not compiled["supported"]
    assert "AIOS_ALLOW_NATIVE" in compiled["remedy"]


def test_without_the_extension_it_says_what_is_missing_and_how_to_get_it(aios_command):
    shown, report = _doctor(aios_command, AIOS_PURE_PYTHON="1")
    assert shown.returncode == 0
    assert not report["core"]["native"]
    assert "AIOS_PURE_PYTHON" in report["core"]["remedy"]
    supported = {engine["name"]: engine["supported"] for engine in report["engines"]}
    assert supported["litert"]
    assert not supported["compiled"]
    assert not supported["openvino"]


def test_a_missing_engine_names_its_extra(aios_command, tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'ai_edge_litert' else real(name, *a)\n"
    )
    _, report = _doctor(aios_command, PYTHONPATH=str(hidden))
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


def test_no_compiler_is_said_with_a_remedy(aios_command, tmp_path):
    (tmp_path / "bin").mkdir()
    _, report = _doctor(aios_command, PATH=str(tmp_path / "bin"), CXX="")
    if not report["compiler"]["found"]:
        assert report["compiler"]["remedy"]
        assert "compiler" in report["compiler"]["remedy"]


def test_a_home_below_a_file_is_said(aios_command, tmp_path):
    (tmp_path / "file").write_text("")
    _, report = _doctor(aios_command, "--home", tmp_path / "file" / "home")
    assert "is a file" in report["home"]["remedy"]


def test_the_table_is_for_people(aios_command):
    shown = aios_command("doctor")
    for part in ("compiled", "litert", "cpu", "compiler", "home", f"Python {sys.version[:4]}"):
        assert part in shown.stdout


def test_a_managers_home_is_checked_and_backed_up(aios_command, tmp_path):
    import aios

    home = tmp_path / "home"
    aios.AICellManager(home).close()
    shown, report = _doctor(aios_command, "--home", home, "--backup")
    assert shown.returncode == 0
    assert report["home"]["problems"] == []
    assert report["home"]["runs"] == report["home"]["versions"] == 0
    assert os.path.exists(report["home"]["backup"])
    database = home / "aios.db"
    content = bytearray(database.read_bytes())
    content[:64] = bytes(64)
    database.write_bytes(content)
    for extra in ("aios.db-wal", "aios.db-shm"):
        (home / extra).unlink(missing_ok=True)
    shown, report = _doctor(aios_command, "--home", home)
    assert shown.returncode == 1
    assert report["home"]["problems"]
    assert "backups/" in report["home"]["remedy"]
    shown = aios_command("doctor", "--home", home)
    assert shown.returncode == 1
    assert "problem: " in shown.stdout
    assert "aios.db: file is not a database" in " ".join(shown.stdout.split())
    assert "remedy: restore a copy from backups/" in shown.stdout
    database.write_bytes(b"")
    shown = aios_command("doctor", "--home", home)
    assert shown.returncode == 1
    assert "aios.db: is empty, and this folder is a manager's home" in shown.stdout


def test_a_whole_home_is_backed_up_to_a_file_and_restored(aios_command, tmp_path):
    import aios

    with aios.AICellManager(tmp_path / "home") as manager:
        manager.register_workflow(
            aios.Workflow(id="w", steps=[aios.step(name="one")(lambda data: data)])
        )
        manager.execute_workflow("w", b"data").result(60)
    file = tmp_path / "copy.tar.gz"
    shown, report = _doctor(aios_command, "--home", tmp_path / "home", "--backup", file)
    assert (shown.returncode, report["home"]["backup"]) == (0, str(file))
    shown, report = _doctor(aios_command, "--restore", file, "--home", tmp_path / "new")
    assert shown.returncode == 0
    assert (report["home"]["path"], report["home"]["runs"]) == (str(tmp_path / "new"), 1)
    shown = aios_command("doctor", "--restore", file, "--home", tmp_path / "new")
    assert shown.returncode == 1
    assert "has something in it; restore to a new folder" in shown.stderr
