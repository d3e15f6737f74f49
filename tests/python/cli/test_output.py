"""How every command prints: errors in one line, or as JSON; numbers that JSON has."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aios.cli.demo import Latency
from aios.cli.output import print_json


def test_an_error_is_one_line_and_exit_1(tmp_path, aios_command):
    shown = aios_command("inspect", str(tmp_path / "nothing.cell"))
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert shown.stderr.startswith("error: no bundle at")
    assert len(shown.stderr.strip().splitlines()) == 1


def test_an_error_is_json_where_json_was_asked_for(tmp_path, aios_command):
    shown = aios_command("inspect", str(tmp_path / "nothing.cell"), "--json")
    assert shown.returncode == 1
    error = json.loads(shown.stdout)["error"]
    assert error["type"] == "NotFoundError"
    assert error["code"] == 5
    assert "nothing.cell" in error["message"]


def test_brackets_in_an_error_are_shown(tmp_path, aios_command):
    shown = aios_command("inspect", str(tmp_path / "a[litert].cell"))
    assert "a[litert].cell" in shown.stderr


def test_a_bug_is_one_line_too():
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


def test_numbers_that_json_lacks_are_null(capsys):
    row = Latency(p50=float("nan"), p99=2.0)
    print_json({"row": row, "path": Path("m.cell"), "many": (1, float("inf"), None), 5: True})
    assert json.loads(capsys.readouterr().out) == {
        "row": {"p50": None, "p99": 2.0}, "path": "m.cell", "many": [1, None, None], "5": True,
    }  # fmt: skip
    with pytest.raises(TypeError, match="not JSON"):
        print_json({"x": object()})
