import json
import shutil


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
    assert rows["int8"]["samples"] == 66
    assert rows["float32"]["samples"] == 70
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
