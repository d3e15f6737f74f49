import json

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios
from aios.cli import export as command
from aios.exporting.report import ExportReport

pytest.importorskip("keras", reason="needs the extra [tensorflow]")


@pytest.fixture
def keras_file(digits, tmp_path):
    digits.model.save(tmp_path / "digits.keras")
    return tmp_path / "digits.keras"


def test_a_keras_file_becomes_a_bundle(digits, keras_file, x_file, aios_command, tmp_path):
    (tmp_path / "names.txt").write_text("\n".join("abcdefghij"))
    shown = aios_command(
        "export", keras_file, "-o", "m.cell", "--samples", x_file, "--engines", "litert",
        "--labels", "names.txt", "--json",
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert document["path"] == "m.cell"
    (artifact,) = [one for one in document["artifacts"] if one["engine"] == "litert"]
    assert artifact["verdict"] == "passed"
    assert artifact["max_error"] < 1e-4
    with aios.load(tmp_path / "m.cell") as bridge:
        answer = bridge.perform_inference(digits.x_test[:7])
    assert_within_tolerance(answer, np.asarray(digits.model(digits.x_test[:7], training=False)))
    described = json.loads(aios_command("inspect", "m.cell", "--json").stdout)
    assert described["labels"] == list("abcdefghij")
    assert shown.stderr == f"exporting {keras_file} …\n"


def test_precisions_are_made_and_shown(keras_file, x_file, aios_command):
    shown = aios_command(
        "export", keras_file, "-o", "m.cell", "--samples", x_file, "--engines", "litert",
        "--precisions", "fp16,int8",
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert "top-1" in shown.stdout
    described = json.loads(aios_command("inspect", "m.cell", "--json").stdout)
    rows = {row["precision"]: row for row in described["artifacts"]}
    assert rows.keys() == {"float32", "float16", "int8"}
    for row in rows.values():
        assert 0 <= row["top1_agreement"] <= 1
        assert row["relative_error"] >= 0
    assert rows["float32"]["tolerance"] == {"absolute": 1e-5, "relative": 1e-4}
    assert rows["int8"]["tolerance"] == {"absolute": 0.063, "relative": 0.063}
    assert rows["float32"]["max_error"] < rows["float16"]["max_error"] < rows["int8"]["max_error"]
    table = aios_command("inspect", "m.cell").stdout
    assert "float16" in table
    assert "top-1" in table


def test_sizes_and_ranges_reach_the_export_as_python_writes_them(monkeypatch, tmp_path):
    given = {}

    def exported(model, output, imports, options):
        given.update(options)
        return ExportReport(output, (), 0, 0, 0.0, (), 0.0, {})

    monkeypatch.setattr(command, "_exported", exported)
    command.export(
        tmp_path, output=tmp_path / "m.cell", sizes=["x=16,64", "a=b=224x224,320x320"],
        input_range=["x=-1,2.5"],
    )  # fmt: skip
    assert given["sizes"] == {"x": [(16,), (64,)], "a=b": [(224, 224), (320, 320)]}
    assert given["input_range"] == {"x": [-1.0, 2.5]}
    assert (given["engines"], given["samples"], given["labels"]) == ("all", None, None)


def test_an_existing_bundle_needs_overwrite(keras_file, aios_command, tmp_path):
    (tmp_path / "m.cell").mkdir()
    shown = aios_command("export", keras_file, "-o", "m.cell")
    assert shown.returncode == 1
    assert "--overwrite" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["digit.keras", "-o", "m.cell"], 1, "did you mean 'digits.keras'?"),
        (["digits.keras"], 2, "--output"),
        (["digits.keras", "-o", "m.cell", "--engines", "litrt"], 2, "did you mean 'litert'?"),
        (["digits.keras", "-o", "m.cell", "--precisions", "int"], 2, "did you mean 'int8'?"),
        (["digits.keras", "-o", "m.cell", "--samples", "none.npy"], 1, "no file at 'none.npy'"),
        (["digits.keras", "-o", "m.cell", "--labels", "none.txt"], 1, "can't be read"),
        (["digits.keras", "-o", "m.cell", "--sizes", "16,64"], 1, "as x=16,64"),
        (["digits.keras", "-o", "m.cell", "--import", "abacus"], 1, "'abacus' can't be imported"),
    ],
)
@pytest.mark.usefixtures("keras_file")
def test_mistakes_are_one_line(aios_command, tmp_path, arguments, code, part):
    shown = aios_command("export", *arguments)
    assert shown.returncode == code
    assert part in shown.stderr
    assert "Traceback" not in shown.stderr
    assert not (tmp_path / "m.cell").exists()


def test_without_tensorflow_the_extra_is_named(keras_file, aios_command, tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'tensorflow' else real(name, *a)\n"
    )
    shown = aios_command("export", keras_file, "-o", "m.cell", PYTHONPATH=str(hidden))
    assert shown.returncode == 1
    assert "pip install aios-cells[tensorflow]" in shown.stderr
