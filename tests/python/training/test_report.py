"""The report of a training, as JSON."""

import json

import pytest
from blobs import blobs, trained

import aios


def test_what_is_not_finite_is_null_in_json():
    metrics = {"loss": float("nan"), "mae": float("inf"), "ok": 1.0}
    report = aios.TrainingReport({"loss": [1.0]}, metrics, 1, 1.0, None, stopped_early=False)
    assert json.loads(report.to_json())["metrics"] == {"loss": None, "mae": None, "ok": 1.0}


def test_the_report_is_json(tmp_path):
    pytest.importorskip("keras", reason="needs the extra [tensorflow]")
    x, y = blobs()
    _, report = trained(x, y)
    document = json.loads(report.to_json(tmp_path / "report.json"))
    assert document == json.loads((tmp_path / "report.json").read_text())
    assert document["history"]["loss"] == report.history["loss"]
    assert document["epochs"] == 4
    assert document["resumed_from"] is None
