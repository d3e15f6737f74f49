"""What deploy/ says is true of the server: options, probes, times."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import aios
from aios.bridge.library_check import TRIAL
from aios.server.config import ServerConfig
from aios.server.options import options_of

DEPLOY = Path(__file__).parents[2] / "deploy"
_FLAGS = {flag for each in options_of(ServerConfig) for flag in each.flags} | {"--config", "--json"}


def _manifest():
    yaml = pytest.importorskip("yaml", reason="needs pyyaml, of the extra [test]")
    return {each["kind"]: each for each in yaml.safe_load_all(_text("kubernetes.yaml"))}


def _text(name):
    return (DEPLOY / name).read_text()


def _container():
    return _manifest()["Deployment"]["spec"]["template"]["spec"]["containers"][0]


def _instructions(name):
    """Of the Dockerfile: everything after this word."""
    lines = _text("Dockerfile").replace("\\\n", "").splitlines()
    return [line.removeprefix(f"{name} ").strip() for line in lines if line.startswith(f"{name} ")]


def _unit():
    pairs = re.findall(r"^(\w+)=(.*)$", _text("aios-serve.service"), re.MULTILINE)
    return dict(pairs)


def test_every_option_that_is_used_is_one_of_the_servers():
    commands = [
        *json.loads(_instructions("CMD")[0]),
        *shlex.split(_unit()["ExecStart"]),
        *_container()["args"],
    ]
    used = {word for word in commands if word.startswith("--")}
    assert {"--models", "--config", "--drain-s"} <= used
    assert used <= _FLAGS


def test_what_replaces_the_flags_of_other_servers_is_there():
    page = (DEPLOY.parent / "docs" / "guides" / "serving.md").read_text()
    tables = page.partition("## Coming from TensorFlow Serving or Triton")[2]
    here = [line.split("|")[2] for line in tables.splitlines() if line.startswith("|")]
    used = set(re.findall(r"(?<![\w-])--\w[\w-]*", " ".join(here)))
    assert {"--models", "--http-port", "--poll-s"} <= used
    assert used <= _FLAGS


@pytest.mark.native
def test_the_probes_ask_for_what_the_server_answers():
    asked = [_container()[kind]["httpGet"]["path"] for kind in (
        "startupProbe", "readinessProbe", "livenessProbe",
    )]  # fmt: skip
    with aios.Server(TRIAL, http_port=0, poll_s=0) as server:
        for path in asked:
            with urllib.request.urlopen(server.url + path, timeout=20) as answer:
                assert answer.status == 200
        (check,) = _instructions("HEALTHCHECK")
        program, *arguments = json.loads(check.partition("CMD")[2])
        assert program == "python"
        code = arguments[-1].replace("8501", str(server.http_port))
        command = [sys.executable, *arguments[:-1], code]
        assert subprocess.run(command, timeout=60, check=False).returncode == 0
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 1


def test_what_ends_it_waits_for_the_last_answers():
    drain_s = ServerConfig().drain_s
    assert float(_unit()["TimeoutStopSec"]) > drain_s
    pod = _manifest()["Deployment"]["spec"]["template"]["spec"]
    before_s = float(_container()["lifecycle"]["preStop"]["exec"]["command"][1])
    args = _container()["args"]
    assert float(args[args.index("--drain-s") + 1]) == drain_s
    assert pod["terminationGracePeriodSeconds"] > before_s + drain_s


def test_nothing_runs_as_root_or_may_become_it():
    (user,) = _instructions("USER")
    pod = _manifest()["Deployment"]["spec"]["template"]["spec"]
    assert user.split(":")[0] == str(pod["securityContext"]["runAsUser"]) != "0"
    assert _container()["securityContext"]["allowPrivilegeEscalation"] is False
    assert (_unit()["DynamicUser"], _unit()["NoNewPrivileges"]) == ("yes", "yes")


def test_the_manifests_speak_of_the_same_pods_and_port():
    found = _manifest()
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    ports = {port["name"]: port["containerPort"] for port in _container()["ports"]}
    assert ports["http"] == int(_instructions("EXPOSE")[0])


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="no systemd-analyze here: the package systemd lifts it",
)
def test_systemd_knows_every_line_of_the_unit(tmp_path):
    unit = tmp_path / "aios-serve.service"
    unit.write_text(_text("aios-serve.service").replace("/opt/aios/bin/aios", "/bin/true"))
    shown = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    complaints = [line for line in shown.stderr.splitlines() if str(unit) in line]
    assert complaints == []
