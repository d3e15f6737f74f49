"""`aios serve` from its first line to its end."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from types import SimpleNamespace

import pytest

from aios.cli.serve import _tell
from aios.server.config import ServerConfig

pytestmark = pytest.mark.native
_DEADLINE_S = 120


@pytest.fixture
def models(tmp_path):
    from aios.bridge.library_check import TRIAL

    shutil.copytree(TRIAL, tmp_path / "models" / "trial" / "1.cell")
    return tmp_path / "models"


@pytest.fixture
def serve(models):
    """Starts the command; returns the process and what it says when it is ready."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-m", "aios", "serve", "--models", models, "--http-port", "0",
             "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append((process, threading.Timer(_DEADLINE_S, process.kill)))
        started[-1][1].start()
        return process, json.loads(process.stdout.readline())

    yield start
    for process, timer in started:
        timer.cancel()
        process.kill()
        process.communicate()


@pytest.fixture
def manager(short_folder, monkeypatch):
    """A socket where a service manager listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(short_folder / "notify"))
        listener.settimeout(_DEADLINE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(short_folder / "notify"))
        yield listener


def test_it_says_in_one_line_what_it_serves_and_ends_when_told(serve, manager):
    process, ready = serve()
    assert manager.recv(100) == b"READY=1"
    assert ready["pid"] == process.pid
    assert ready["grpc_port"] == ready["http_port"]
    assert ready["models"] == [
        {"name": "trial", "version": 1, "state": "AVAILABLE", "proven": True, "reason": None}
    ]
    url = f"http://127.0.0.1:{ready['http_port']}/v2/health/ready"
    with urllib.request.urlopen(url, timeout=_DEADLINE_S) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(_DEADLINE_S) == 0
    assert manager.recv(100) == b"STOPPING=1"


def test_a_second_signal_ends_it_at_once(serve):
    process, ready = serve()
    with socket.create_connection(("127.0.0.1", ready["http_port"]), _DEADLINE_S) as client:
        # It is waited for the rest of this request.
        client.sendall(b"POST /v2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        while "answering what is under way" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(_DEADLINE_S) == -signal.SIGTERM


def test_a_folder_without_models_is_an_error(tmp_path):
    finished = subprocess.run(
        [sys.executable, "-m", "aios", "serve", "--models", tmp_path / "none"],
        capture_output=True, text=True, timeout=_DEADLINE_S, check=False,
    )  # fmt: skip
    assert finished.returncode == 1
    assert "expected a folder with NAME/VERSION.cell" in finished.stderr


def test_nothing_to_serve_is_a_mistyped_command():
    finished = subprocess.run(
        [sys.executable, "-m", "aios", "serve"],
        capture_output=True, text=True, timeout=_DEADLINE_S, check=False,
    )  # fmt: skip
    assert finished.returncode == 2
    assert "expected --models" in finished.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"models": "m"}, "no models yet: put a bundle at m/NAME/1.cell, and it is served"),
        ({"registry": "h"}, "no models yet: a version that is registered in 'h' is served"),
        ({"models": "m", "poll_s": 0}, "no models yet: and with poll_s = 0 none will come"),
    ],
)
def test_a_server_without_models_says_how_they_come(options, told, capsys):
    config = ServerConfig(**options)
    server = SimpleNamespace(
        models=list, url="http://a", grpc_url="a:1", unix_socket=None, config=config
    )
    _tell(server, False)
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.out == "HTTP http://a\ngRPC a:1\n"
