"""Whether engines may be tried in a child process, and by which command."""

import json
import subprocess
import sys

import pytest

from aios.bridge import isolation
from aios.bridge.isolation import (
    ISOLATION,
    LIBRARY_CHECK,
    child_command,
    library_check,
    may_isolate,
)


@pytest.mark.native
def test_a_python_program_isolates_unless_the_user_said_no(monkeypatch):
    assert may_isolate({})
    assert may_isolate({ISOLATION: "1"})
    assert not may_isolate({ISOLATION: "0"})


@pytest.mark.native
@pytest.mark.parametrize("program", ["/usr/bin/blender", "", None])
def test_a_program_that_has_python_inside_would_start_itself(monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    assert not may_isolate({})


@pytest.mark.native
def test_a_frozen_program_would_too(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not may_isolate({})


def test_without_the_extension_there_is_nothing_to_isolate(monkeypatch):
    monkeypatch.setattr(isolation, "IS_NATIVE", False)
    assert not may_isolate({})


@pytest.mark.native
def test_the_users_own_command_stays(monkeypatch):
    monkeypatch.delenv(LIBRARY_CHECK, raising=False)
    monkeypatch.delenv(ISOLATION, raising=False)
    assert "aios.bridge.library_check" in " ".join(library_check())
    monkeypatch.setenv(LIBRARY_CHECK, "/usr/bin/true")
    assert library_check() == []


def test_a_child_imports_what_its_parent_does_and_nothing_of_where_it_stands(tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('the working directory was imported')")
    (tmp_path / "told").mkdir()
    (tmp_path / "told" / "told_main.py").write_text(
        "import json, sys\ndef main(): print(json.dumps([sys.path, sys.argv[1:]]))\n"
    )
    sys.path.append(str(tmp_path / "told"))
    try:
        command = child_command("told_main")
    finally:
        sys.path.pop()
    finished = subprocess.run(
        [*command, "an argument"], capture_output=True, text=True, timeout=60, check=True,
        cwd=tmp_path,
    )  # fmt: skip
    path, arguments = json.loads(finished.stdout)
    assert path[-1] == str(tmp_path / "told")
    assert arguments == ["an argument"]
