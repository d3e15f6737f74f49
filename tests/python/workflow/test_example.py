"""The example and the guide's code run as they are written."""

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "examples" / "workflow.py"


def test_the_example_tells_the_whole_story():
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "deployed version 2" in done.stdout
    assert "rolled back to version 1; calls by version: {1: 0, 2: 1}" in done.stdout
    assert "gate_performance   SUCCESS" in done.stdout
