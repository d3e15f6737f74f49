"""The child process: its errors keep their type, and it ends with its parent."""

import subprocess
import sys
import time

import pytest
from vendor_stubs import build_stub

from aios.bundle.manifest import read_manifest
from aios.errors import NotFoundError, UnsupportedError
from aios.proving.isolated import IsolatedProver

pytestmark = pytest.mark.native


def test_errors_of_the_child_keep_their_type(tmp_path, digits):
    (record,) = (a for a in read_manifest(digits.bundle).artifacts if a.engine == "litert")
    (tmp_path / "no.tflite").write_bytes(b"nothing")
    with IsolatedProver() as prover:
        with pytest.raises(NotFoundError, match="no bundle at"):
            prover.answers(tmp_path / "no.cell", record, "serving_default", {})
        with pytest.raises(UnsupportedError, match="LiteRT can't run it"):
            prover.interpret(tmp_path / "no.tflite", "serving_default", {})


_PARENT = """
import sys, threading
from pathlib import Path
from aios.bridge import engines
engines.library_paths = lambda: {"openvino": sys.argv[1]}
from aios.proving.isolated import IsolatedProver
prover = IsolatedProver()
print(prover._child._process.pid, flush=True)
prover.verify(Path(sys.argv[2]), only=["openvino"])
"""


def test_a_child_that_hangs_does_not_outlive_its_parent(digits, tmp_path):
    stub = build_stub(tmp_path, "openvino", "hang", "constructor")
    command = [sys.executable, "-c", _PARENT, stub, str(digits.bundle)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 60
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _lives(child)


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
