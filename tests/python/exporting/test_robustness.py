"""Whatever stops an export, the target is the old bundle, the new one, or nothing at all."""

import errno
import os
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest

import aios
from aios.bundle.manifest import read_manifest

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def _mlp(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((6,), name="x"), keras.layers.Dense(4)])


def _export(path, **options):
    return aios.export(_mlp(), path, engines="litert", **options)


def _names(directory):
    return sorted(path.name for path in directory.iterdir())


def _answer(bundle):
    with aios.load(bundle, engine="litert") as bridge:
        return bridge.perform_inference(np.ones((1, 6), np.float32))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("where", ["aios.exporting.golden.save_file", "aios.bundle.publish._sync"])
def test_a_full_disk_is_overloaded_and_leaves_the_old_bundle(tmp_path, monkeypatch, code, where):
    _export(tmp_path / "m.cell")
    before = read_manifest(tmp_path / "m.cell")

    def full(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(where, full)
    with pytest.raises(aios.OverloadedError, match="is full"):
        _export(tmp_path / "m.cell", overwrite=True)
    assert _names(tmp_path) == ["m.cell"]
    assert read_manifest(tmp_path / "m.cell") == before


_ON_A_SMALL_DISK = """
import os, subprocess, sys
small = sys.argv[1]
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + sys.argv[2], "none", small]).returncode:
    sys.exit(77)
import keras, aios
model = keras.Sequential([keras.Input((200,), name="x"), keras.layers.Dense(200)])
try:
    aios.export(model, small + "/m.cell", engines=sys.argv[3].split(","))
except aios.OverloadedError as error:
    print(error)
    sys.exit(0 if os.listdir(small) == [] else "left behind: " + str(os.listdir(small)))
sys.exit("no error")
"""


@pytest.mark.parametrize(
    ("size", "engines"),
    [
        ("100k", "litert,tensorflow"),
        ("300k", "litert,tensorflow"),
        ("600k", "litert,tensorflow"),
        ("900k", "compiled"),
    ],
)
def test_a_disk_that_fills_up_for_real_leaves_nothing(tmp_path, size, engines):
    """TensorFlow, safetensors, the converter and the C++ compiler each tell it in their own way."""
    try:
        finished = subprocess.run(
            [
                "unshare",
                "-rm",
                sys.executable,
                "-c",
                _ON_A_SMALL_DISK,
                str(tmp_path),
                size,
                engines,
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("no unshare command")
    if finished.returncode == 77 or "unshare" in finished.stderr:
        pytest.skip("no mount namespaces here")
    assert finished.returncode == 0, finished.stderr
    assert "is full" in finished.stdout


def test_a_parent_that_cannot_be_written_to_is_a_failed_precondition(tmp_path):
    targets = ["/proc/m.cell", tmp_path / "missing" / "m.cell"]
    (tmp_path / "file").write_text("x")
    targets.append(tmp_path / "file" / "m.cell")
    if os.geteuid() != 0:
        (tmp_path / "locked").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
        targets.append(tmp_path / "locked" / "m.cell")
    for target in targets:
        with pytest.raises(aios.FailedPreconditionError, match="can't be written to"):
            _export(target)


def test_a_target_that_is_a_file_or_another_directory_is_left_alone(tmp_path):
    (tmp_path / "m.cell").write_text("precious")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(aios.FailedPreconditionError, match="is a file"):
            _export(tmp_path / "m.cell", overwrite=overwrite)
    with pytest.raises(aios.FailedPreconditionError, match="isn't a bundle"):
        _export(tmp_path / "home", overwrite=True)
    assert (tmp_path / "m.cell").read_text() == "precious"
    assert (tmp_path / "home" / "thesis.txt").read_text() == "precious"
    assert _names(tmp_path) == ["home", "m.cell"]


@pytest.mark.parametrize("path", ["", ".", "/", "..", 3, None, "a\0b"])
def test_a_path_that_names_no_directory_is_refused(path):
    with pytest.raises((aios.InvalidArgumentError, aios.FailedPreconditionError)):
        _export(path)


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_every_file_and_directory_of_a_bundle_obeys_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        _export(tmp_path / "m.cell")
    finally:
        os.umask(before)
    found = {path.relative_to(tmp_path): path for path in (tmp_path / "m.cell").rglob("*")}
    modes = {name: stat.S_IMODE(path.stat().st_mode) for name, path in found.items()}
    assert modes == {
        name: (0o777 if path.is_dir() else 0o666) & ~mask for name, path in found.items()
    }
    assert stat.S_IMODE((tmp_path / "m.cell").stat().st_mode) == 0o777 & ~mask


def test_a_symbolic_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "current.cell"
    link.symlink_to(tmp_path / "real" / "v1.cell")
    _export(link)
    _export(link, overwrite=True)
    assert link.is_symlink()
    assert _names(tmp_path / "real") == ["v1.cell"]
    assert _answer(link).shape == (1, 4)


@pytest.mark.parametrize(
    "name", ["with space.cell", "Zürich 模型.cell", "a[1]*.cell", "-dash", "x"]
)
def test_any_name_will_do(tmp_path, name):
    _export(tmp_path / name)
    _export(tmp_path / name, overwrite=True)
    assert _names(tmp_path) == [name]
    assert _answer(tmp_path / name).shape == (1, 4)


def test_concurrent_exports_to_one_target_leave_one_whole_bundle(tmp_path):
    outcomes = []

    def run(overwrite):
        try:
            _export(tmp_path / "m.cell", overwrite=overwrite)
            outcomes.append("published")
        except aios.FailedPreconditionError as error:
            outcomes.append("refused" if "exists already" in str(error) else str(error))

    for overwrite in (False, True):
        threads = [threading.Thread(target=run, args=(overwrite,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
    assert sorted(outcomes[:3]) == ["published", "refused", "refused"]
    assert outcomes[3:] == ["published"] * 3
    assert _names(tmp_path) == ["m.cell"]
    with aios.load(tmp_path / "m.cell", verify="full") as bridge:
        assert bridge.engine == "litert"


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("aios.exporting.golden.save_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _export(tmp_path / "m.cell")
    assert _names(tmp_path) == []


def test_drawn_samples_that_the_model_raises_on_are_dropped_and_reported(tmp_path):
    import tensorflow as tf
    from safetensors.numpy import load_file

    class Picky(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
        def __call__(self, x):
            with tf.control_dependencies([tf.debugging.assert_less(x, 2.0)]):
                return tf.identity(x) * 2.0

    with pytest.warns(UserWarning, match="drawn samples were dropped: the model raises"):
        report = aios.export(Picky(), tmp_path / "m.cell", engines="tensorflow")
    golden = load_file(tmp_path / "m.cell" / "golden.safetensors")
    (own,) = read_manifest(tmp_path / "m.cell").own_samples.values()
    assert own == 32 - report.dropped_samples < 32
    assert report.golden_samples > own
    assert golden["serving_default/inputs/x"].max() < 2
    with pytest.raises(aios.InvalidArgumentError, match="the model raises on sample 1"):
        aios.export(
            Picky(), tmp_path / "n.cell", samples=np.array([[1, 0, -3], [1, 99, 1]], np.float32)
        )
    assert _names(tmp_path) == ["m.cell"]
