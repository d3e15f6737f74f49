import json

import pytest


def test_rows_are_measured_and_verified(digits, aios_command):
    shown = aios_command(
        "bench", digits.bundle, "--batch", "1,32", "--threads", "1,2", "--engine",
        "litert,openvino", "--iterations", 50, "--json",
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert set(document["machine"]) >= {"cpu", "cpus", "load", "os", "python", "aios"}
    rows = [row for row in document["rows"] if row["engine"] == "litert"]
    assert [(row["batch"], row["threads"]) for row in rows] == [(1, 1), (1, 2), (32, 1), (32, 2)]
    for row in rows:
        assert 0 < row["min_us"] <= row["p50_us"] <= row["p90_us"] <= row["p99_us"]
        assert 0 < row["max_error"] < 1e-4
        assert row["precision"] == "float32"
        assert row["reason"] is None
        assert row["iterations"] == 50
    batch_1, batch_32 = rows[0], rows[2]
    assert batch_32["throughput_per_s"] > batch_1["throughput_per_s"]


def test_precisions_are_rows_of_their_own(lowered, aios_command):
    def rows(*arguments):
        shown = aios_command(
            "bench", lowered.bundle, "--engine", "litert", "--iterations", 30, "--json", *arguments
        )
        assert shown.returncode == 0, shown.stderr
        return {row["precision"]: row for row in json.loads(shown.stdout)["rows"]}

    exact = rows()
    assert exact["float32"]["chosen"]
    assert exact["int8"]["p50_us"] is None
    assert "--precision" in exact["int8"]["reason"]
    fastest = rows("--precision", "fastest", "--batch", "4")
    assert fastest.keys() == {"float32", "float16", "int8"}
    assert all(row["p50_us"] > 0 for row in fastest.values())
    assert fastest["float32"]["max_error"] * 10 < fastest["int8"]["max_error"]
    assert sum(row["chosen"] for row in fastest.values()) <= 1
    alone = rows("--precision", "int8")
    assert alone["int8"]["chosen"]
    assert alone["float32"]["p50_us"] is None


def test_an_engine_without_an_artifact_has_a_reason_and_no_figures(digits, aios_command, tmp_path):
    import aios

    aios.export(digits.model, tmp_path / "m.cell", engines="litert")
    shown = aios_command("bench", tmp_path / "m.cell", "--engine", "openvino", "--json")
    (row,) = json.loads(shown.stdout)["rows"]
    assert row["reason"]
    assert row["p50_us"] is None
    assert shown.returncode == 1


def test_exactly_one_engine_per_batch_and_threads_is_chosen(digits, aios_command):
    shown = aios_command("bench", digits.bundle, "--batch", "1,8", "--iterations", 30, "--json")
    rows = json.loads(shown.stdout)["rows"]
    for batch in (1, 8):
        assert sum(row["chosen"] for row in rows if row["batch"] == batch) == 1


def test_a_wrong_answer_is_a_red_row_without_figures_and_exit_1(wrong_golden, aios_command):
    """A wrong answer that the quick check, 2 samples of all, doesn't see."""
    shown = aios_command("bench", wrong_golden, "--engine", "litert", "--json")
    assert shown.returncode == 1
    (row,) = json.loads(shown.stdout)["rows"]
    assert row["p50_us"] is None
    assert row["wrong"]
    assert "tolerances" in row["reason"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--batch", "1,x"], "as 1,32"),
        (["--batch", "0"], "whole numbers of 1 or more"),
        (["--threads", "-1"], "whole numbers of 1 or more"),
        (["--engine", "tensorflw"], "did you mean 'tensorflow'?"),
        (["--iterations", "0"], "--iterations"),
        (["--bacth", "1"], "--batch"),
        (["--precision", "int9"], "did you mean 'int8'?"),
    ],
)
def test_mistyped_options_are_exit_2_and_helpful(digits, aios_command, arguments, part):
    shown = aios_command("bench", digits.bundle, *arguments)
    assert shown.returncode == 2
    assert part in shown.stderr
