import json

import numpy as np
from tolerance import assert_within_tolerance


def _reference(digits, count=7):
    return np.asarray(digits.model(digits.x_test[:count], training=False))


def test_answers_are_printed_with_their_labels(digits, aios_command, x_file):
    shown = aios_command("run", digits.bundle, "--input", x_file)
    assert shown.returncode == 0, shown.stderr
    rows = [line.split() for line in shown.stdout.splitlines()[1:]]
    found = [(int(sample), label.strip(), float(score)) for sample, label, score in rows]
    expected = _reference(digits)
    assert [label for _, label, _ in found] == [str(one) for one in expected.argmax(axis=1)]
    np.testing.assert_allclose([one for *_, one in found], expected.max(axis=1), atol=1e-4)


def test_json_holds_values_and_labels(digits, aios_command, x_file):
    document = json.loads(aios_command("run", digits.bundle, "-i", x_file, "--json").stdout)
    output = document["outputs"]["output_0"]
    assert output["shape"] == [7, 10]
    assert output["dtype"] == "float32"
    expected = _reference(digits)
    assert_within_tolerance(np.asarray(output["values"], np.float32), expected)
    assert [one["index"] for one in document["labels"]] == expected.argmax(axis=1).tolist()


def test_answers_are_written_as_npy_and_npz(digits, aios_command, x_file, tmp_path):
    for name in ("y.npy", "y.npz"):
        shown = aios_command(
            "run", digits.bundle, "-i", x_file, "-o", name, "--engine", "litert", "--threads", 2
        )
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout == ""
        assert shown.stderr == f"{name}: output_0 float32[7,10], engine litert\n"
    answer = np.load(tmp_path / "y.npy")
    assert_within_tolerance(answer, _reference(digits))
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["output_0"], answer)
    assert {path.name for path in tmp_path.iterdir()} == {"x.npy", "y.npy", "y.npz"}


def test_npz_inputs_go_by_name(digits, aios_command, tmp_path):
    np.savez(tmp_path / "x.npz", x=digits.x_test[:7])
    document = json.loads(aios_command("run", digits.bundle, "-i", "x.npz", "--json").stdout)
    assert document["outputs"]["output_0"]["shape"] == [7, 10]
    np.savez(tmp_path / "x.npz", z=digits.x_test[:7])
    shown = aios_command("run", digits.bundle, "-i", "x.npz")
    assert shown.returncode == 1
    assert "'x'" in shown.stderr


def test_float64_needs_cast(digits, aios_command, tmp_path):
    np.save(tmp_path / "x.npy", digits.x_test[:7].astype(np.float64))
    refused = aios_command("run", digits.bundle, "-i", "x.npy")
    assert refused.returncode == 1
    assert "--cast" in refused.stderr
    cast = aios_command("run", digits.bundle, "-i", "x.npy", "--cast", "--json")
    assert cast.returncode == 0
    assert json.loads(cast.stdout)["outputs"]["output_0"]["shape"] == [7, 10]


def _one_line(shown, code, *parts):
    assert shown.returncode == code
    assert shown.stdout == ""
    for part in parts:
        assert part in shown.stderr
    assert "Traceback" not in shown.stderr


def test_bad_files_are_one_line(digits, aios_command, x_file, tmp_path):
    def run(*arguments):
        return aios_command("run", digits.bundle, *arguments)

    _one_line(run("-i", "y.npy"), 1, "no file at 'y.npy'", "did you mean 'x.npy'?")
    (tmp_path / "x.csv").write_text("1,2")
    _one_line(run("-i", "x.csv"), 1, "expected a .npy or .npz file")
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00garbage")
    _one_line(run("-i", "bad.npy"), 1, "can't be read")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04garbage")
    _one_line(run("-i", "bad.npz"), 1, "bad.npz")
    np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    _one_line(run("-i", "object.npy"), 1, "numbers only")
    _one_line(run("-i", x_file, "-o", "y.txt"), 1, "--output: expected a .npy or .npz")
    _one_line(run("-i", x_file, "-o", "none/y.npy"), 1, "can't be written")
    _one_line(run("-i", x_file, "--signature", "abacus"), 1, "abacus")
    _one_line(run("-i", x_file, "--threads", "0"), 2, "--threads")
    _one_line(run(), 2, "--input")
    np.save(tmp_path / "short.npy", digits.x_test[:7, :5])
    _one_line(run("-i", "short.npy"), 1, "expected float32[-1,64], got float32[7,5]")
    _one_line(aios_command("run", x_file, "-i", x_file), 1, "it is a file")


def test_a_lower_precision_runs_when_it_is_named(lowered, aios_command, tmp_path):
    np.save(tmp_path / "x.npy", lowered.x)
    errors = {}
    for precision in ("float32", "int8"):
        shown = aios_command(
            "run", lowered.bundle, "-i", "x.npy", "-o", "y.npy", "--precision", precision
        )
        assert shown.returncode == 0, shown.stderr
        expected = np.asarray(lowered.model(lowered.x, training=False))
        errors[precision] = np.abs(np.load(tmp_path / "y.npy") - expected).max()
    assert errors["float32"] < 1e-4 < errors["int8"] < 0.2
