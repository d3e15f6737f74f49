"""The picture of `aios bench --plot`."""

import struct

import pytest


def test_plot_draws_a_panel_per_row(digits, aios_command, tmp_path):
    pytest.importorskip("matplotlib", reason="needs the extra [plot]")
    heights = []
    for batches in ("1", "1,4,8"):
        shown = aios_command(
            "bench", digits.bundle, "--engine", "litert", "--batch", batches, "--iterations", 30,
            "--plot", "latency.png",
        )  # fmt: skip
        assert shown.returncode == 0, shown.stderr
        assert "litert" in shown.stdout
        content = (tmp_path / "latency.png").read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        heights.append(struct.unpack(">II", content[16:24])[1])
    assert heights[1] > 1.5 * heights[0]
