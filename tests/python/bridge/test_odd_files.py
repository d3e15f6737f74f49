"""FIFOs, devices, sockets and folders where a file should be: a typed error at once."""

import contextlib
import os
import socket

import pytest

import aios

pytestmark = pytest.mark.usefixtures("core")


def _folder(path):
    path.mkdir()


def _socket(path):
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def _link_to_a_device(path):
    path.symlink_to("/dev/zero")


KINDS = {
    os.mkfifo: "isn't a regular file but a FIFO",
    _folder: "isn't a regular file but a directory",
    _socket: "isn't a regular file but a socket",
    _link_to_a_device: "it is reached by a symbolic link",
}


@pytest.mark.parametrize("make", KINDS, ids=["fifo", "folder", "socket", "link"])
def test_what_is_no_file_is_refused_at_once(bundle_copy, make):
    for name in (
        "manifest.json", "manifest.sha256", "golden.safetensors", "litert/dynamic.tflite",
        "saved_model/saved_model.pb",
    ):  # fmt: skip
        path = bundle_copy / name
        content = path.read_bytes()
        path.unlink()
        make(path)
        with pytest.raises(aios.CorruptBundleError) as caught:
            aios.load(bundle_copy, engine="litert")
        assert KINDS[make] in str(caught.value)
        assert name in str(caught.value)
        path.rmdir() if make is _folder else path.unlink()
        path.write_bytes(content)


def test_a_device_is_no_bundle():
    for path in ("/dev/zero", "/dev/stdin"):
        with pytest.raises(aios.NotFoundError, match=r"no bundle at .*Not a directory"):
            aios.load(path, engine="litert")


@pytest.mark.native
@pytest.mark.parametrize("make", [os.mkfifo, _folder, _link_to_a_device])
def test_a_selection_cache_that_is_no_file_is_as_good_as_none(digits, tmp_path, monkeypatch, make):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    aios.load(digits.bundle).close()
    (file,) = (tmp_path / "aios" / "selection").iterdir()
    file.unlink()
    make(file)
    with aios.load(digits.bundle) as bridge:
        (chosen,) = [row for row in bridge.explain() if row.chosen]
    assert chosen.reason.startswith("the fastest by measurement")
    assert len(list(file.parent.iterdir())) == 1
