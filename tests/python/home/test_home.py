import os
import shutil
import subprocess
import sys

import pytest
from workflow_doubles import damage

import aios
from aios.home import home as home_module


def test_a_home_on_a_network_file_system_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(home_module, "_file_system_type", lambda path: 0x6969)
    with pytest.raises(aios.FailedPreconditionError, match="is on NFS; a home needs a local disk"):
        aios.AICellManager(tmp_path / "deep" / "home")
    assert not (tmp_path / "deep").exists()


def test_the_file_system_is_asked_of_the_kernel(tmp_path):
    found = home_module._file_system_type(tmp_path)
    text = subprocess.run(
        ["stat", "-f", "-c", "%t", tmp_path], capture_output=True, text=True, check=False
    ).stdout
    assert found == int(text, 16)


def in_mount(tmp_path, options, code):
    """Run Python code where tmp_path/mount is a tmpfs; skips where mounting isn't allowed."""
    mount = tmp_path / "mount"
    mount.mkdir()
    mounted = f"mount -t tmpfs -o size=8m none {mount}"
    script = f'{mounted} && {options} exec {sys.executable} -c "$CODE" {mount}'
    environment = {
        **os.environ,
        "CODE": code,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr or "not permitted" in done.stderr:
        pytest.skip(f"no mounts here: {done.stderr.strip()}")
    return done


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_a_read_only_home_is_a_failed_precondition(tmp_path):
    code = """
import sys, aios
try:
    aios.AICellManager(sys.argv[1] + "/home")
except aios.FailedPreconditionError as error:
    print(error)
"""
    done = in_mount(tmp_path, f"mount -o remount,ro {tmp_path / 'mount'} &&", code)
    assert "can't be written" in done.stdout, done.stderr
    assert "choose another home" in done.stdout


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_a_disk_that_fills_up_is_overloaded_and_the_run_goes_on_when_there_is_room(tmp_path):
    code = """
import sys, os, numpy as np, aios
def big(data):
    return np.random.default_rng(0).normal(size=1_500_000)
def size(big):
    return len(big)
with aios.AICellManager(sys.argv[1] + "/home") as manager:
    manager.register_workflow(aios.Workflow(id="w", steps=[big, size]))
    ballast = sys.argv[1] + "/ballast"
    run = manager.execute_workflow("w")
    try:
        run.result(60)
    except aios.OverloadedError as error:
        print(type(error).__name__, run.status)
        print(error)
"""
    done = in_mount(tmp_path, "", code)
    assert done.stdout.startswith("OverloadedError RUNNING\n"), done.stderr + done.stdout
    assert "free space and resume" in done.stdout


@pytest.mark.parametrize("harm", ["pages", "not a database"])
def test_a_corrupt_database_is_named_with_its_remedy_and_left_alone(closed_home, harm):
    home, _ = closed_home
    path = home / "aios.db"
    if harm == "pages":
        damage(path)
    else:
        path.write_bytes(b"this is no database" * 1000)
    before = path.read_bytes()
    with pytest.raises(aios.CorruptHomeError, match="aios doctor --home HOME --backup"):
        aios.AICellManager(home)
    assert path.read_bytes() == before


def test_a_file_is_no_home(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(aios.FailedPreconditionError, match="is a file; a home is a folder"):
        aios.AICellManager(tmp_path / "file")


def test_importing_aios_imports_no_database_and_no_tracing(run_python):
    loaded = run_python("import sys, aios; print(*sys.modules)").split()
    assert not {"sqlite3", "opentelemetry", "numpy", "aios.workflow"}.intersection(loaded)
    loaded = run_python("import sys, aios; aios.AICellManager; print(*sys.modules)").split()
    assert not {"opentelemetry", "keras", "tensorflow", "cloudpickle"}.intersection(loaded)
