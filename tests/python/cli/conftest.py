import json
import os
import subprocess
import sys

import numpy as np
import pytest

from aios.tensorflow_log import LEVEL


@pytest.fixture
def aios_command(tmp_path):
    """Runs the command line in an empty directory, as for a user who set nothing."""
    untouched = {name: value for name, value in os.environ.items() if name != LEVEL}

    def run(*arguments, cwd=tmp_path, **environment):
        return subprocess.run(
            [sys.executable, "-m", "aios", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            cwd=cwd,
            env={**untouched, "COLUMNS": "160", **environment},
        )

    return run


@pytest.fixture
def doctor(aios_command):
    """Runs `aios doctor --json`, and gives how it ended and what it reported."""

    def run(*arguments, **environment):
        shown = aios_command("doctor", "--json", *arguments, **environment)
        return shown, json.loads(shown.stdout)

    return run


@pytest.fixture
def x_file(digits, tmp_path):
    np.save(tmp_path / "x.npy", digits.x_test[:7])
    return tmp_path / "x.npy"
