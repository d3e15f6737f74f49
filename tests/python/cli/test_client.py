import json

import numpy as np
import pytest

import aios

pytestmark = pytest.mark.native


@pytest.fixture
def server():
    from aios.bridge.library_check import TRIAL

    with aios.Server(TRIAL, http_port=0, poll_s=0) as opened:
        yield opened


def test_a_server_answers_what_is_in_a_file(server, aios_command, tmp_path):
    x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(2, 8)
    np.save(tmp_path / "x.npy", x)
    (entry,) = server.models()
    expected = entry.bridge.perform_inference(x)
    ask = ("client", "infer", server.url, entry.key.name, "--input", "x.npy")
    shown = aios_command(*ask, "--json")
    (output,) = json.loads(shown.stdout)["outputs"].values()
    assert (output["dtype"], output["shape"]) == ("float32", [2, 3])
    np.testing.assert_allclose(output["values"], expected, rtol=1e-4, atol=1e-5)
    written = aios_command(*ask, "--output", "y.npy")
    assert written.returncode == 0, written.stderr
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, rtol=1e-4, atol=1e-5)


def test_a_token_is_sent_that_the_environment_has(aios_command, tmp_path):
    from aios.bridge.library_check import TRIAL
    from aios.server.tokens import TokenFile

    _, token = TokenFile(tmp_path / "tokens.json").new()
    np.save(tmp_path / "x.npy", np.zeros((1, 8), np.float32))
    with aios.Server(TRIAL, http_port=0, poll_s=0, token_file=tmp_path / "tokens.json") as server:
        name = server.models()[0].key.name
        ask = ("client", "infer", server.url, name, "-i", "x.npy", "--json")
        assert aios_command(*ask, AIOS_TOKEN=token).returncode == 0
        assert "PermissionDenied" in aios_command(*ask).stdout


def test_what_the_server_refuses_is_one_line(server, aios_command, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1, 8)))
    shown = aios_command("client", "infer", server.url, "none", "-i", "x.npy")
    assert shown.returncode == 1
    assert shown.stderr.strip() == "error: Request for unknown model: 'none' is not found"
