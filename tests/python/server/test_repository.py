import shutil

import pytest

import aios

pytestmark = pytest.mark.native


@pytest.fixture
def server(models):
    with aios.Server(models, http_port=0, poll_s=0) as opened:
        yield opened


@pytest.fixture
def client(server, connect):
    return connect(server)


def control(client, what, name="trial", body=None):
    return client.post(f"/v2/repository/models/{name}/{what}", {} if body is None else body)


def index(client, **asked):
    rows = client.post("/v2/repository/index", asked).json
    return [(row["name"], row["version"], row["state"], row["reason"]) for row in rows]


def test_a_model_that_was_unloaded_stays_so_until_it_is_loaded(server, client):
    assert control(client, "unload", body={"parameters": {"unload_dependents": True}}).status == 200
    server.sync()
    assert client.get("/v2/models/trial/ready").status == 400
    assert index(client) == [("trial", "1", "UNAVAILABLE", "unloaded")]
    assert index(client, ready=True) == []
    loaded = control(client, "load")
    assert (loaded.status, loaded.body) == (200, b"")
    assert client.get("/v2/models/trial/ready").status == 200
    assert index(client, ready=True) == [("trial", "1", "READY", "")]


def test_a_model_that_cannot_be_loaded_says_why(models, server, client):
    missing = control(client, "load", "nope")
    assert missing.status == 500
    assert missing.json == {"error": "failed to load 'nope', failed to poll from model repository"}
    control(client, "unload")
    shutil.copytree(models / "trial" / "1.cell", models / "bad" / "1.cell")
    (models / "bad" / "1.cell" / "manifest.json").write_text("{}")
    failed = control(client, "load", "bad")
    assert failed.status == 500
    assert failed.json["error"].startswith("failed to load 'bad', no version is available: version")


def test_what_failed_is_tried_again_though_nothing_changed(server, client, monkeypatch):
    control(client, "unload")
    tried = []

    def fail(*_key_and_found):
        tried.append(1)
        raise aios.UnavailableError("not now")

    monkeypatch.setattr(server._library, "_load", fail)
    for expected in (1, 2):
        answer = control(client, "load")
        assert (answer.status, len(tried)) == (500, expected)
        assert answer.json["error"].endswith("version 1: not now")
    server.sync()
    assert len(tried) == 2


@pytest.mark.parametrize(
    ("what", "body", "status", "words"),
    [
        ("load", {"parameters": {"config": "{}"}}, 501, "load parameter 'config' isn't supported"),
        ("load", {"parameters": {"file:1/model": ""}}, 501, "'file:1/model' isn't supported"),
        ("unload", {"parameters": {"force": True}}, 501, "unload parameter 'force'"),
        ("load", {"parameters": []}, 400, "'parameters' of load: expected an object"),
        ("load", b"{", 400, "failed to parse the request JSON buffer"),
        ("unload", b"[]", 400, "expected an object"),
    ],
)
def test_parameters_that_have_no_effect_are_refused_by_name(client, what, body, status, words):
    answer = control(client, what, body=body)
    assert (answer.status, words in answer.json["error"]) == (status, True)
    assert client.get("/v2/models/trial/ready").status == 200


def test_a_web_page_cannot_unload_models(client):
    path = "/v2/repository/models/trial/unload"
    answer = client.post(path, {}, {"Origin": "http://elsewhere"})
    assert answer.status == 403
    assert client.get("/v2/models/trial/ready").status == 200
