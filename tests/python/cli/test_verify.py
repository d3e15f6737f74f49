import json
import shutil

import pytest
from typer.testing import CliRunner
from vendor_stubs import build_stub

from aios.bridge.engines import library_paths
from aios.cli.main import app


def test_a_good_bundle_passes_on_every_engine(digits, aios_command):
    shown = aios_command("verify", digits.bundle, "--json")
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert document["ok"] is True
    assert "litert" in {row["engine"] for row in document["artifacts"]}
    for row in document["artifacts"]:
        assert row["ok"]
        assert 0 <= row["worst"] < 1
        assert row["samples"] >= 64
        assert row["reason"] is None
        assert {"engine", "target", "precision", "ok", "worst", "sample", "tensor", "reason"} <= {
            *row
        }


def test_each_precision_is_verified_with_its_own_tolerance(lowered, aios_command):
    shown = aios_command("verify", lowered.bundle, "--engine", "litert", "--json")
    assert shown.returncode == 0, shown.stdout
    rows = {row["precision"]: row for row in json.loads(shown.stdout)["artifacts"]}
    assert rows.keys() == {"float32", "float16", "int8"}
    assert 1e-5 < rows["int8"]["max_error"] < 0.2
    assert rows["int8"]["samples"] == 67
    assert rows["float32"]["samples"] == 77
    assert rows["float32"]["top1_agreement"] == 1


def test_wrong_golden_answers_are_exit_1(wrong_golden, aios_command):
    shown = aios_command("verify", wrong_golden, "--json", "--engine", "litert")
    assert shown.returncode == 1
    (row,) = json.loads(shown.stdout)["artifacts"]
    assert not row["ok"]
    assert row["worst"] > 1
    assert (row["sample"], row["tensor"]) == (5, "output_0")
    table = aios_command("verify", wrong_golden)
    assert table.returncode == 1
    assert "failed" in table.stdout


@pytest.fixture
def libraries(monkeypatch):
    """Libraries to find in place of those that are installed; those at first."""
    found = library_paths()
    monkeypatch.setattr("aios.bridge.engines.library_paths", lambda: found)
    return found


def _verify(bundle, *options):
    """The command in this process: its exit code and its JSON."""
    shown = CliRunner().invoke(app, ["verify", str(bundle), "--json", *options])
    return shown.exit_code, json.loads(shown.stdout)


def test_an_engine_that_is_not_installed_is_not_run_which_is_no_failure(digits, libraries):
    for engine in ("openvino", "tensorflow"):
        libraries[engine] = f"/nowhere/{engine}.so"
    code, document = _verify(digits.bundle)
    assert (code, document["ok"]) == (0, True)
    rows = {row["engine"]: row for row in document["artifacts"]}
    assert [name for name, row in rows.items() if row["not_run"]] == ["openvino", "tensorflow"]
    assert "pip install aios-cells[openvino]" in rows["openvino"]["reason"]
    assert rows["litert"]["ok"]


def test_where_nothing_runs_it_is_exit_1(digits, libraries, monkeypatch):
    libraries["openvino"] = "/nowhere/openvino.so"
    code, document = _verify(digits.bundle, "--engine", "openvino")
    assert (code, document["ok"]) == (1, False)
    monkeypatch.setenv("AIOS_ALLOW_NATIVE", "0")
    code, document = _verify(digits.bundle, "--engine", "compiled,openvino")
    assert code == 1
    assert all(row["not_run"] for row in document["artifacts"])


def test_an_engine_that_is_installed_but_of_no_use_is_a_failure(digits, libraries, tmp_path):
    libraries["openvino"] = build_stub(tmp_path, "openvino", "segfault", "constructor")
    code, document = _verify(digits.bundle, "--engine", "litert,openvino")
    rows = {row["engine"]: row for row in document["artifacts"]}
    assert (code, rows["litert"]["ok"], rows["openvino"]["not_run"]) == (1, True, False)
    assert rows["openvino"]["reason"] == "OpenVINO died by SIGSEGV while opening"
    (tmp_path / "broken.so").write_bytes(b"no library")
    libraries["openvino"] = str(tmp_path / "broken.so")
    code, document = _verify(digits.bundle, "--engine", "litert,openvino")
    assert code == 1
    assert "can't be opened" in document["artifacts"][1]["reason"]


def test_a_flipped_bit_is_an_error_that_names_the_file(bundle_copy, aios_command):
    path = bundle_copy / "litert" / "dynamic.tflite"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    shown = aios_command("verify", bundle_copy)
    assert shown.returncode == 1
    assert "dynamic.tflite" in shown.stderr
    error = json.loads(aios_command("verify", bundle_copy, "--json").stdout)["error"]
    assert error["type"] == "CorruptBundleError"


def test_mistyped_names_get_a_helpful_answer(digits, aios_command, tmp_path):
    shown = aios_command("verify", digits.bundle, "--engine", "litetr")
    assert shown.returncode == 2
    assert "did you mean 'litert'?" in shown.stderr
    shutil.copytree(digits.bundle, tmp_path / "digits.cell")
    shown = aios_command("verify", "digit.cell")
    assert shown.returncode == 1
    assert "did you mean 'digits.cell'?" in shown.stderr
