import socket

import pytest

from aios.cli.service_manager import notify


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_a_service_manager_that_listens_is_told(kind, short_folder, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        name = str(short_folder / "notify") if kind == "path" else f"\0{short_folder}"
        manager.bind(name)
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
        notify("READY=1")
        assert manager.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "/none/there", "nonsense"])
def test_nobody_who_listens_is_no_error(address, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")
