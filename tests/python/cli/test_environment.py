"""What commands set up before TensorFlow is loaded, and what of stderr reaches the user."""

import logging
import os
import subprocess
import sys

import pytest

from aios.cli.environment import native_log_left_out, prepare_tensorflow
from aios.tensorflow_log import LEVEL

NOISE = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    "I0000 00:00:1795861181.856359   10268 port.cc:153] oneDNN custom operations are on.\n"
    "W0000 00:00:1795861191.594104   10268 tf_tfl_flatbuffer_helpers.cc:364] Ignored output.\n"
    "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.\n"
    "2026-11-28 10:21:44.123456: I tensorflow/core/util/port.cc:153] oneDNN is on.\n"
    "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
)
NEWS = (
    "E0000 00:00:1795861191.594104   10268 loader.cc:12] this file is damaged\n"
    "WARNING: your licence ends today\n"
    "terminate called after throwing an instance of 'std::bad_alloc'\n"
)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (LEVEL, "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, "to be put back")
        monkeypatch.delenv(name)


def test_information_and_warnings_of_engines_are_left_out(capfd):
    with native_log_left_out():
        os.write(2, (NOISE + NEWS).encode())
        print("a word of Python's", file=sys.stderr)
    os.write(2, NOISE.encode())
    shown = capfd.readouterr().err
    before, after = shown[: -len(NOISE)], shown[-len(NOISE) :]
    assert sorted(before.splitlines()) == sorted([*NEWS.splitlines(), "a word of Python's"])
    assert after == NOISE


def test_a_user_who_asked_for_them_has_them(capfd, monkeypatch):
    monkeypatch.setenv(LEVEL, "0")
    with native_log_left_out():
        os.write(2, NOISE.encode())
    assert capfd.readouterr().err == NOISE


def test_what_an_engine_says_before_it_ends_the_process_is_shown():
    code = (
        "import os, resource\n"
        "from aios.cli.environment import native_log_left_out\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "with native_log_left_out():\n"
        f"    os.write(2, {(NOISE + NEWS).encode()!r})\n"
        "    os.abort()\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == -6
    assert finished.stderr == NEWS


def test_threads_and_the_log_are_set_unless_the_user_did(monkeypatch):
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "7")
    prepare_tensorflow(3)
    assert os.environ[LEVEL] == "3"
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "3"
    assert os.environ["TF_NUM_INTEROP_THREADS"] == "7"


def test_without_a_stderr_there_is_nothing_to_keep_clean(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with native_log_left_out():
        assert sys.stderr is None


def test_a_logger_made_meanwhile_goes_on_afterwards(capfd):
    with native_log_left_out():
        handler = logging.StreamHandler()
        handler.handle(logging.makeLogRecord({"msg": "within \udcff"}))
    handler.handle(logging.makeLogRecord({"msg": "afterwards"}))
    assert capfd.readouterr().err.splitlines() == ["within \\udcff", "afterwards"]
