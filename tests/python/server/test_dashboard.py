"""What the dashboard's page is told."""

import base64
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import aios
from aios.bundle.manifest import read_manifest
from aios.server.dashboard import execution, traffic

pytestmark = pytest.mark.native


@pytest.fixture
def client(models, trial, connect):
    """Of a server with a version that answers, and one whose bundle is broken."""
    broken = shutil.copytree(trial, models / "trial" / "2.cell")
    (broken / "golden.safetensors").write_bytes(b"x")
    with aios.Server(models, http_port=0, poll_s=0) as server:
        yield connect(server)


def test_the_page_may_run_and_ask_for_what_this_server_has_alone(client):
    page = client.get("/")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert client.get("/dashboard/app.js").headers["Content-Type"].startswith("text/javascript")
    for path in ("/dashboard/none.js", "/dashboard/..%2fserver.py", "/dashboard/a/b.js"):
        assert client.get(path).status == 404


def test_a_look_tells_every_version_with_its_engine_its_error_and_its_traffic(client):
    for instances in ([[0.0] * 8], [[0.0] * 8, [1.0] * 8], [[0.0]]):
        client.post("/v1/models/trial:predict", {"instances": instances})
    look = client.get("/dashboard/data").json
    assert look["ready"] is True
    assert look["totals"]["connections"] == 1
    good, broken = look["models"]
    assert (good["name"], good["version"], good["state"]) == ("trial", 1, "AVAILABLE")
    assert (good["engine"], good["precision"], good["worst"]) == ("litert", "float32", 0.0)
    assert good["traffic"]["requests"] == [2, 1, 0]
    assert good["traffic"]["samples"] == 3
    assert sum(good["traffic"]["latency"]) == 2
    assert len(good["traffic"]["latency"]) == len(look["bounds_us"]) + 1
    assert sum(runs * samples for samples, runs in good["execution"]["batches"]) == 3
    assert good["execution"]["refused"] == 0
    assert (broken["state"], broken["engine"], broken["traffic"]) == ("END", None, None)
    assert "golden.safetensors" in broken["reason"]


def test_a_version_tells_which_engine_was_chosen_and_why_and_its_proof(client, trial):
    told = client.get("/dashboard/models/trial/versions/1").json
    assert told["signature"]["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 8]}]
    assert {choice["engine"] for choice in told["choices"] if choice["chosen"]} == {"litert"}
    assert all(choice["reason"] for choice in told["choices"])
    records = read_manifest(trial).artifacts
    assert [each["worst"] for each in told["proof"]["artifacts"]] == [r.worst for r in records]
    assert {each["verdict"] for each in told["proof"]["artifacts"]} == {"passed"}


def test_a_sample_is_the_bundles_own_and_what_the_model_answers_it(client):
    told = client.get("/dashboard/models/trial/versions/1/samples/0").json

    def array(tensor):
        return np.frombuffer(base64.b64decode(tensor["data"]), "<f4").reshape(tensor["shape"])

    body = {"instances": array(told["inputs"]["x"]).tolist()}
    answer = client.post("/v1/models/trial:predict", body).json["predictions"]
    assert np.allclose(answer, array(told["outputs"]["output_0"]), atol=1e-6)
    past_the_last = client.get(f"/dashboard/models/trial/versions/1/samples/{told['count']}")
    assert past_the_last.status == 404


def test_what_is_not_there_is_told(client):
    for path in ("/dashboard/models/none/versions/1", "/dashboard/models/trial/versions/9"):
        answer = client.get(path)
        assert answer.status == 404
        assert "no version" in answer.json["error"]


def test_traffic_is_added_up_over_protocols():
    rows = [("a", [3, 1, 0], [2, 1], 10.0, 5), ("b", [1, 0, 2], [0, 1], 5.0, 1)]
    assert traffic(rows) == {
        "requests": [4, 1, 2], "latency": [2, 2], "latency_us": 15.0, "samples": 6,
        "protocols": {"a": 4, "b": 3},
    }  # fmt: skip


def test_batches_are_told_by_their_size():
    totals = SimpleNamespace(
        queued=4, queue_ns=8000, refused=1, expired=0, cancelled=2,
        batches=[(1, 3, 0, 0, 0), (0, 2, 9, 9, 9)],
    )  # fmt: skip
    assert execution(totals) == {
        "queued": 4, "queue_us": 8.0, "refused": 1, "expired": 0, "cancelled": 2,
        "batches": [[1, 3], [0, 2]],
    }  # fmt: skip
