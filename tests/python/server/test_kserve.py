import numpy as np
import pytest

import aios

pytestmark = pytest.mark.native


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Serves the trial bundle as versions 1 and 2; all tests look at it, none changes it."""
    from aios.bridge.library_check import TRIAL

    folder = tmp_path_factory.mktemp("models") / "trial"
    folder.mkdir()
    for version in (1, 2):
        (folder / f"{version}.cell").symlink_to(TRIAL)
    with aios.Server(folder.parent, http_port=0, poll_s=0) as opened:
        yield opened


@pytest.fixture
def client(server, connect):
    return connect(server)


def test_the_configuration_of_a_version(client):
    config = client.get("/v2/models/trial/versions/1/config").json
    assert config["name"] == "trial"
    assert config["input"] == [{"name": "x", "data_type": "TYPE_FP32", "dims": [8]}]
    assert config["max_batch_size"] == (64 << 20) // 32
    assert config["platform"] == client.get("/v2/models/trial").json["platform"]
    missing = client.get("/v2/models/nope/config")
    assert missing.status == 404
    assert missing.json == {"error": "Request for unknown model: 'nope' is not found"}


def test_statistics_count_what_was_answered_and_what_failed(client):
    row = np.zeros(8).tolist()
    for body in ({"instances": [row, row]}, {"instances": [row]}, {}):
        client.post("/v1/models/trial/versions/1:predict", body)
    (first,) = client.get("/v2/models/trial/versions/1/stats").json["model_stats"]
    assert (first["name"], first["version"], first["inference_count"]) == ("trial", "1", 3)
    assert first["inference_stats"]["success"]["count"] == 2
    assert first["inference_stats"]["success"]["ns"] > 0
    assert first["inference_stats"]["fail"]["count"] == 1
    for path in ("/v2/models/stats", "/v2/models/trial/stats"):
        rows = client.get(path).json["model_stats"]
        assert [(each["version"], each["inference_count"]) for each in rows] == [("1", 3), ("2", 0)]
    assert client.get("/v2/models/trial/versions/9/stats").status == 404


def test_a_method_that_a_path_does_not_take_is_refused(client):
    for path in ("/v2/models/trial/config", "/v2/models/stats", "/v2/models/trial/stats"):
        answer = client.post(path, {})
        assert (answer.status, answer.json) == (405, {"error": "Method Not Allowed"})
    assert client.get("/v2/repository/index").status == 405
