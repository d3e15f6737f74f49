"""`aios workflow` and `aios registry`, as a person types them."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import aios

FLOW = """
import os
import aios

def load(data):
    return data["values"]

@aios.step
def total(load):
    if os.environ.get("FAIL"):
        raise ValueError("asked to fail")
    return float(load.sum())

@aios.step
def register(total, context):
    with context.work_dir() as place:
        (place / "weights").write_text(str(total))
        return context.register_model("flow", place)

workflow = aios.Workflow(id="flow", steps=[load, total, register])
"""


@pytest.fixture
def command(tmp_path):
    """Runs `aios …` in tmp_path; returns (exit code, stdout, stderr)."""
    (tmp_path / "flow.py").write_text(FLOW)
    np.savez(tmp_path / "d.npz", values=np.arange(5.0))

    def run(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "aios", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "AIOS_HOME": str(tmp_path / "home"), **environment},
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_run_show_list_and_promote(command):
    code, out, err = command("workflow", "run", "flow:workflow", "--data", "d.npz", "--json")
    assert code == 0, err
    (run,) = json.loads(out)["runs"]
    assert run["status"] == "SUCCESS"
    assert [item["name"] for item in run["steps"]] == ["load", "total", "register"]
    assert {"name", "status", "seconds", "verdict"} <= run["steps"][0].keys()

    code, out, _ = command("workflow", "list", "--json")
    assert [item["id"] for item in json.loads(out)["runs"]] == [run["id"]]
    code, out, _ = command("workflow", "show", run["id"])
    assert code == 0
    assert "total" in out
    assert "registered flow version 1" in out

    code, out, _ = command("registry", "list", "--json")
    (version,) = json.loads(out)["versions"]
    assert {"name", "version", "aliases", "bundle", "sha256", "run_id"} <= version.keys()
    assert (version["name"], version["version"], version["run_id"]) == ("flow", 1, run["id"])
    code, out, _ = command("registry", "promote", "flow", "1", "--json")
    assert json.loads(out)["aliases"] == ["champion"]
    code, out, _ = command("registry", "rollback", "flow", "--json")
    assert code == 1
    assert json.loads(out)["error"]["type"] == "FailedPreconditionError"
    code, out, _ = command("registry", "lineage", "--run", run["id"], "--json")
    assert json.loads(out)["versions"][0]["version"] == 1
    code, out, _ = command("registry", "prune", "flow", "--keep", "0", "--json")
    assert json.loads(out)["versions"] == []


def test_a_failed_run_is_exit_1_and_resumes_from_where_it_was_started(command):
    code, out, _ = command(
        "workflow", "run", "flow.py:workflow", "--data", "d.npz", "--json", FAIL="1"
    )
    assert code == 1
    error = json.loads(out)["error"]
    assert (error["code"], error["type"]) == (10, "WorkflowFailedError")
    assert "asked to fail" in error["message"]
    _, out, _ = command("workflow", "list", "--json")
    (run,) = json.loads(out)["runs"]
    run_id = run["id"]
    assert run["not_reached"] == ["register"]
    _, out, _ = command("workflow", "show", run_id)
    assert "register  not reached" in out
    assert "total     FAILED" in out
    _, out, _ = command("workflow", "list")
    assert "1/3" in out
    code, out, err = command("workflow", "resume", run_id, "--json")
    assert code == 0, err
    steps = json.loads(out)["runs"][0]["steps"]
    assert [item["launches"] for item in steps] == [1, 2, 1]
    assert steps[1]["reason"] == "resumed after a failure"


def test_control_c_leaves_a_run_that_can_be_resumed(command, tmp_path):
    waits = (
        "def total(load, context):\n    while not os.path.exists('go'):\n"
        "        context.check_cancelled()\n        context.cancelled.wait(0.01)"
    )
    (tmp_path / "flow.py").write_text(FLOW.replace("def total(load):", waits))
    process = subprocess.Popen(
        [sys.executable, "-m", "aios", "workflow", "run", "flow:workflow", "--data", "d.npz"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "AIOS_HOME": str(tmp_path / "home")},
    )
    run_id = process.stderr.readline().split()[1]
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
    assert f"'aios workflow resume {run_id}' goes on" in process.stderr.read()
    process.stderr.close()
    (tmp_path / "go").touch()
    code, out, err = command("workflow", "resume", run_id, "--json")
    assert code == 0, err
    assert json.loads(out)["runs"][0]["status"] == "SUCCESS"


def test_cancelling_a_run_that_is_over_says_so(command):
    _, out, _ = command("workflow", "run", "flow:workflow", "--data", "d.npz", "--json")
    run_id = json.loads(out)["runs"][0]["id"]
    code, out, _ = command("workflow", "cancel", run_id, "--json")
    assert (code, json.loads(out)["cancelled"]) == (0, False)


def test_prune_removes_old_runs_and_says_what_went(command):
    _, out, _ = command("workflow", "run", "flow:workflow", "--data", "d.npz", "--json")
    run_id = json.loads(out)["runs"][0]["id"]
    _, out, _ = command("workflow", "prune", "--json")
    assert json.loads(out) == dict.fromkeys(
        ("runs", "versions", "messages", "objects", "bundles", "bytes"), 0
    )
    code, out, _ = command("workflow", "prune", "--keep-days", "0", "--keep-runs", "0")
    assert code == 0
    assert "removed 1 runs, 0 versions" in out
    code, _, err = command("workflow", "show", run_id)
    assert (code, f"no run '{run_id}'" in err) == (1, True)
    _, out, _ = command("registry", "list", "--json")
    assert len(json.loads(out)["versions"]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("workflow", "list"),
        ("workflow", "show", "r"),
        ("workflow", "cancel", "r"),
        ("workflow", "prune"),
        ("registry", "list"),
        ("registry", "promote", "m", "1"),
    ],
)
def test_a_command_that_reads_or_changes_never_makes_a_home(command, tmp_path, arguments):
    code, out, err = command(*arguments, "--home", str(tmp_path / "hmoe"))
    assert (code, out) == (1, "")
    assert "no home at" in err
    assert "hmoe" in err
    assert not (tmp_path / "hmoe").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("workflow", "run", "ghost:workflow"), "can't be imported"),
        (("workflow", "run", "flow:ghost"), "flow has no 'ghost'"),
        (("workflow", "run", "flow:load"), "expected an aios.Workflow, got function"),
        (("workflow", "run", "flow"), "expected MODULE:WORKFLOW"),
        (("workflow", "run", "flow:workflow", "--data", "none.npz"), "no file"),
        (("workflow", "run", "flow:workflow", "--data", "flow.py"), "expected an .npz"),
        (("workflow", "show", "ghost"), "no run 'ghost'"),
        (("registry", "promote", "ghost", "1"), "no version 1"),
    ],
)
def test_mistakes_are_one_line_and_exit_1(command, tmp_path, arguments, message):
    aios.AICellManager(tmp_path / "home").close()
    code, out, err = command(*arguments)
    assert (code, out) == (1, "")
    assert message in err
    assert "Traceback" not in err
    code, out, _ = command(*arguments, "--json")
    assert code == 1
    assert message in json.loads(out)["error"]["message"]
