import json
import os
import subprocess
import sys

import pytest


def _aios(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "aios", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "160"},
    )


def test_inspect_shows_what_a_bundle_holds(digits):
    shown = _aios("inspect", str(digits.bundle))
    assert shown.returncode == 0, shown.stderr
    for part in ("x: float32[-1,64]", "output_0: float32[-1,10]", "litert", "passed", "keras 3"):
        assert part in shown.stdout
    assert "run in a child process only, at export: compiled native, " in shown.stdout


def test_inspect_prints_json(digits):
    shown = _aios("inspect", str(digits.bundle), "--json")
    document = json.loads(shown.stdout)
    assert document["format_version"] == 1
    assert document["labels"] == [str(digit) for digit in range(10)]
    assert document["signatures"][0]["inputs"] == [
        {"name": "x", "dtype": "float32", "shape": [-1, 64]}
    ]
    (artifact,) = [one for one in document["artifacts"] if one["engine"] == "litert"]
    assert artifact["verdict"] == "passed"
    assert artifact["bytes"] == (digits.bundle / "litert/dynamic.tflite").stat().st_size
    assert set(artifact) == {
        "engine", "target", "precision", "verdict", "max_error", "relative_error",
        "top1_agreement", "tolerance", "proved_in_child", "reason", "bytes", "probes",
        "propagated", "proven_range",
    }  # fmt: skip


def test_an_error_is_one_line_and_exit_1(tmp_path):
    shown = _aios("inspect", str(tmp_path / "nothing.cell"))
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert shown.stderr.startswith("error: no bundle at")
    assert len(shown.stderr.strip().splitlines()) == 1


def test_an_error_is_json_where_json_was_asked_for(tmp_path):
    shown = _aios("inspect", str(tmp_path / "nothing.cell"), "--json")
    assert shown.returncode == 1
    error = json.loads(shown.stdout)["error"]
    assert error["type"] == "NotFoundError"
    assert error["code"] == 5
    assert "nothing.cell" in error["message"]


@pytest.mark.parametrize("arguments", [["inspekt"], ["inspect"], ["inspect", "a", "--abacus"]])
def test_a_mistyped_command_is_exit_2(arguments):
    assert _aios(*arguments).returncode == 2


def test_version():
    assert _aios("--version").stdout.startswith("aios 0.")


def test_demo_tells_the_whole_story_as_json(tmp_path):
    shown = _aios("demo", "--json", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    report = json.loads(shown.stdout)
    assert report["accuracy"]["keras"] == report["accuracy"]["cpp"] >= 0.95
    assert report["worst_error"] < 1e-5
    assert report["engine"] in ("compiled", "litert", "openvino", "tensorflow")
    latency = report["latency_us"]
    assert set(latency) == {"keras_predict", "keras_call", "saved_model", report["engine"]}
    for figures in latency.values():
        assert 0 < figures["p50"] <= figures["p99"]
    assert _aios("inspect", report["bundle"], cwd=tmp_path).returncode == 0


def test_aios_alone_prints_help():
    shown = _aios()
    assert shown.returncode == 0
    assert "inspect" in shown.stdout
    assert shown.stderr == ""


def test_a_mistyped_command_gets_a_suggestion():
    assert "Did you mean 'inspect'?" in _aios("inspekt").stderr


def test_brackets_in_an_error_are_shown(tmp_path):
    shown = _aios("inspect", str(tmp_path / "a[litert].cell"))
    assert "a[litert].cell" in shown.stderr


def test_a_bug_is_one_line_too(tmp_path):
    code = (
        "import sys\n"
        "from aios.cli import inspect, main\n"
        "inspect.read_manifest = lambda path: 1 / 0\n"
        "sys.argv = ['aios', 'inspect', '.', *sys.argv[1:]]\n"
        "main.main()\n"
    )

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True, text=True, timeout=300, check=False,
            env={**os.environ, **environment},
        )  # fmt: skip

    shown = run()
    assert shown.returncode == 1
    assert len(shown.stderr.strip().splitlines()) <= 2
    assert "ZeroDivisionError" in shown.stderr
    assert json.loads(run("--json").stdout)["error"]["code"] == 13
    assert "Traceback" in run(AIOS_TRACEBACK="1").stderr


def test_a_reader_that_leaves_is_no_error(digits):
    shown = subprocess.run(
        f"{sys.executable} -m aios inspect {digits.bundle} --json | head -c 1",
        shell=True, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert shown.stdout == "{"
    assert shown.stderr == ""


def test_inspect_imports_nothing_heavy(digits):
    code = (
        "import sys\n"
        "from aios.cli.main import app\n"
        f"app(['inspect', {str(digits.bundle)!r}], standalone_mode=False)\n"
        "heavy = {'numpy', 'tensorflow', 'keras', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
