"""A picture of a training's history."""

import struct
import sys

import pytest

import aios


def _report(**changes):
    fields = {
        "history": {
            "loss": [1.2, 0.7, 0.5, 0.42, 0.4],
            "val_loss": [1.1, 0.8, 0.65, 0.66, 0.7],
            "accuracy": [0.4, 0.6, 0.8, 0.85, 0.9],
            "val_accuracy": [0.4, 0.55, 0.7, 0.69, 0.68],
        },
        "metrics": {"loss": 0.5},
        "epochs": 3,
        "seconds": 1.0,
        "resumed_from": 2,
        "stopped_early": True,
        "best_epoch": 3,
    }
    return aios.TrainingReport(**{**fields, **changes})


def test_plot_draws_a_png_with_a_panel_per_metric(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra [plot]")
    path = _report().plot(tmp_path / "history.png")
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    one = _report(history={"loss": [1.0, 0.5]}, best_epoch=None).plot(tmp_path / "one.png")
    one_width, one_height = struct.unpack(">II", one.read_bytes()[16:24])
    assert (width, height) == (2 * one_width, one_height)


def test_a_plot_is_refused_where_there_is_nothing_to_draw_or_nowhere_to_put_it(tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra [plot]")
    with pytest.raises(aios.InvalidArgumentError, match="no history"):
        _report(history={}).plot(tmp_path / "none.png")
    with pytest.raises(aios.InvalidArgumentError, match="can't be written"):
        _report().plot(tmp_path / "missing" / "history.png")


def test_a_plot_without_matplotlib_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(aios.NotFoundError, match=r"aios-cells\[plot\]"):
        _report().plot(tmp_path / "history.png")
