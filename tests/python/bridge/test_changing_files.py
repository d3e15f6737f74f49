"""Bundles that change while they are loaded and after: the old answers, or a typed error."""

import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from cores import pure_python

import aios
from aios.bundle import publish
from aios.bundle.directory import BundleDirectory
from aios.bundle.integrity import check_files, open_bundle

#: Of the engine of each name, in C++ and in pure Python.
ENGINES = ("compiled", "litert", "openvino", "tensorflow", "auto")


def _cut(path):
    os.truncate(path, 0)


def _scribble(path):
    with path.open("r+b") as file:
        file.write(b"\x3f" * path.stat().st_size)


@pytest.mark.native
@pytest.mark.parametrize("engine", ENGINES)
def test_files_that_are_edited_after_loading_change_no_answer(digits, tmp_path, engine):
    x = digits.x_test[:40]
    for number, edit in enumerate((_cut, _scribble)):
        bundle = shutil.copytree(digits.bundle, tmp_path / f"{number}.cell")
        with aios.load(bundle, engine=engine, max_tuning_ms=0) as bridge:
            expected = bridge.perform_inference(x[:1])
            for path in bundle.rglob("*"):
                if path.is_file():
                    edit(path)
            # More samples may need what wasn't loaded yet.
            for batch in (1, 2, 3, 8, 40):
                answers = bridge.perform_inference(x[:batch])
                np.testing.assert_allclose(answers[:1], expected, rtol=1e-4, atol=1e-5)
            maps = Path("/proc/self/maps").read_text()
        assert str(bundle) not in maps


@pytest.mark.native
@pytest.mark.parametrize("native", [True, False], ids=["cpp", "python"])
def test_a_file_that_is_edited_before_its_engine_is_loaded_is_not_used(bundle_copy, native):
    bundle = open_bundle(bundle_copy)
    check_files(bundle, sizes_only=False)
    (artifact,) = [a for a in bundle.manifest.artifacts if a.engine == "litert"]
    bundle.require_unchanged(artifact)
    if not native:
        _scribble(bundle_copy / artifact.graphs[0].path)
        with pytest.raises(aios.CorruptBundleError, match="written to after it had been checked"):
            bundle.require_unchanged(artifact)
        return
    # `compiled` serves; `litert` is loaded when it is first measured.
    with aios.load(bundle_copy, max_tuning_ms=0) as bridge:
        _scribble(bundle_copy / artifact.graphs[0].path)
        assert bridge.perform_inference(np.zeros((3, 64), np.float32)).shape == (3, 10)
        assert bridge.engine == "compiled"


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize("engine", ["litert", "tensorflow"])
def test_a_load_while_the_bundle_is_exchanged_finds_one_of_the_two(digits, tmp_path, engine):
    bundle = tmp_path / "m.cell"
    shutil.copytree(digits.bundle, bundle)
    stop = threading.Event()
    exchanged = []

    def exchange():
        while not stop.is_set():
            with publish.pending_directory(bundle) as work:
                shutil.copytree(digits.bundle, work, dirs_exist_ok=True)
                publish._exchange(work, bundle)
            exchanged.append(1)

    writer = threading.Thread(target=exchange)
    writer.start()
    try:
        for _ in range(10):
            aios.load(bundle, engine=engine, max_tuning_ms=0).close()
        seen = len(exchanged)
        while len(exchanged) == seen:  # it did go on meanwhile
            aios.load(bundle, engine=engine, max_tuning_ms=0).close()
    finally:
        stop.set()
        writer.join()


def test_a_load_that_no_exchange_explains_fails_at_once(bundle_copy, monkeypatch):
    opened = []
    original = BundleDirectory.open
    monkeypatch.setattr(
        BundleDirectory, "open", lambda self, path: (opened.append(path), original(self, path))[1]
    )
    (bundle_copy / "manifest.sha256").unlink()
    with pytest.raises(aios.CorruptBundleError, match=r"manifest\.sha256.*No such file"):
        pure_python().load(bundle_copy)
    assert opened.count("manifest.json") == 1
