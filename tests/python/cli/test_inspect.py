"""`aios inspect`."""

import json
import subprocess
import sys


def test_inspect_shows_what_a_bundle_holds(digits, aios_command):
    shown = aios_command("inspect", str(digits.bundle))
    assert shown.returncode == 0, shown.stderr
    for part in ("x: float32[-1,64]", "output_0: float32[-1,10]", "litert", "passed", "keras 3"):
        assert part in shown.stdout
    assert "run in a child process only, at export: compiled native, " in shown.stdout


def test_inspect_prints_json(digits, aios_command):
    shown = aios_command("inspect", str(digits.bundle), "--json")
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
