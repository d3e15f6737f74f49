"""The life of a server: models come, change and go while it answers."""

import shutil
import threading

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios

pytestmark = pytest.mark.native


@pytest.fixture
def server(models):
    with aios.Server(models, http_port=0, poll_s=0) as opened:
        yield opened


def _predict(client, which=""):
    x = np.linspace(-1, 1, 8, dtype=np.float32)
    return client.post(f"/v1/models/trial{which}:predict", {"instances": [x.tolist()]})


def _expected(trial):
    with aios.load(trial) as bridge:
        return bridge.perform_inference(np.linspace(-1, 1, 8, dtype=np.float32)[None])


def _states(server):
    return {entry.key.version: entry.state for entry in server.models()}


def test_it_answers_what_a_bridge_answers(server, connect, trial):
    answer = _predict(connect(server))
    assert answer.status == 200
    assert_within_tolerance(np.array(answer.json["predictions"], np.float32), _expected(trial))


def test_it_serves_one_bundle_by_its_name(trial, connect):
    with aios.Server(trial, http_port=0) as server:
        assert connect(server).get(f"/v2/models/{trial.name}").json["versions"] == ["1"]


def test_a_new_version_answers_once_it_is_whole(server, connect, models, trial):
    client = connect(server)
    assert _predict(client, "/versions/2").status == 404
    shutil.copytree(trial, models / "trial" / "2.cell")
    server.sync()
    assert _states(server) == {1: "AVAILABLE", 2: "AVAILABLE"}
    assert _predict(client, "/versions/2").status == 200
    shutil.rmtree(models / "trial" / "1.cell")
    server.sync()
    assert _predict(client, "/versions/1").status == 404
    assert _predict(client).status == 200


def test_a_version_that_fails_to_verify_is_shown_and_never_answers(server, connect, models, trial):
    client = connect(server)
    broken = shutil.copytree(trial, models / "trial" / "2.cell")
    (broken / "golden.safetensors").write_bytes(b"x")
    server.sync()
    (status,) = client.get("/v1/models/trial/versions/2").json["model_version_status"]
    assert status["state"] == "END"
    assert status["status"]["error_code"] == "DATA_LOSS"
    assert "golden.safetensors" in status["status"]["error_message"]
    assert _predict(client, "/versions/2").status == 404
    assert _predict(client).status == 200
    assert server.is_ready


def test_a_bundle_that_fails_never_replaces_a_good_one(server, connect, models):
    client = connect(server)
    bundle = models / "trial" / "1.cell"
    manifest = (bundle / "manifest.json").read_bytes()
    (bundle / "new").write_bytes(manifest + b" ")
    (bundle / "new").replace(bundle / "manifest.json")
    server.sync()
    (entry,) = server.models()
    assert entry.state == "AVAILABLE"
    assert "manifest" in str(entry.error)
    assert _predict(client).status == 200


def test_a_bundle_that_replaces_another_is_swapped_in(server, connect, models, trial):
    before = server.models()[0].model
    shutil.rmtree(models / "trial" / "1.cell")
    shutil.copytree(trial, models / "trial" / "1.cell")
    server.sync()
    (entry,) = server.models()
    assert entry.model is not before
    assert entry.error is None
    assert _predict(connect(server)).status == 200


def test_it_is_not_ready_while_a_model_has_no_version_that_answers(models, connect):
    (models / "broken" / "1.cell").mkdir(parents=True)
    (models / "broken" / "1.cell" / "manifest.json").write_text("{}")
    with aios.Server(models, http_port=0, poll_s=0) as server:
        client = connect(server)
        assert client.get("/v2/health/ready").status == 400
        assert client.get("/healthz").status == 503
        assert client.get("/v2/health/live").status == 200
        assert client.get("/v2/models/trial/ready").status == 200
        shutil.rmtree(models / "broken")
        server.sync()
        assert client.get("/healthz").status == 200


def test_it_ends_with_its_context_and_may_be_closed_twice(models, connect):
    with aios.Server(models, http_port=0) as server:
        client = connect(server)
        assert _predict(client).status == 200
    server.close()
    with pytest.raises(ConnectionRefusedError):
        _predict(connect(server))


def test_a_port_that_is_taken_is_told(server, models):
    with pytest.raises(aios.FailedPreconditionError, match="can't listen at 127.0.0.1 port"):
        aios.Server(models, http_port=server.http_port)


def test_it_listens_to_this_machine_alone_by_default(server):
    assert server.url == f"http://127.0.0.1:{server.http_port}"


def test_what_it_does_not_do_is_refused(models, tmp_path):
    with pytest.raises(aios.NotFoundError, match="expected a folder"):
        aios.Server(tmp_path / "none")
    with pytest.raises(aios.NotFoundError, match="engine 'compild' isn't part of this build"):
        aios.Server(models, engine="compild")
    with pytest.raises(aios.InvalidArgumentError, match="poll_s"):
        aios.Server(models, poll_s=-1)
    with pytest.raises(aios.InvalidArgumentError, match="htp_port: no such option; did you mean"):
        aios.Server(models, htp_port=1)
    with pytest.raises(aios.InvalidArgumentError, match="expected either models, a folder"):
        aios.Server()


def test_without_the_extension_it_says_why_it_refuses(run_python, models):
    code = (
        "import aios\ntry:\n    aios.Server('x')\n"
        "except aios.UnsupportedError as error:\n    print(error)"
    )
    shown = run_python(code, AIOS_PURE_PYTHON="1")
    assert shown.startswith("the server needs the C++ extension of aios; unset AIOS_PURE_PYTHON")


def test_a_forked_child_leaves_it_alone(run_python, trial):
    code = f"""
import os, signal, sys, aios
with aios.Server({str(trial)!r}, http_port=0, poll_s=0) as server:
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        server.close()
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    with aios.Client(server.url) as client:
        print(os.waitstatus_to_exitcode(status), client.ready())
"""
    assert run_python(code) == "0 True\n"


def test_times_that_no_clock_has_are_refused_or_are_as_good_as_for_ever(models):
    with pytest.raises(aios.InvalidArgumentError, match="read_timeout_s: expected a number"):
        aios.Server(models, http_port=0, poll_s=0, read_timeout_s=float("nan"))
    with aios.Server(models, http_port=0, poll_s=0, read_timeout_s=1e300) as server:
        with pytest.raises(aios.InvalidArgumentError, match="longest_s: expected seconds"):
            server.drain(float("nan"))
        assert server.drain(float("inf"))


def test_it_has_no_more_workers_than_the_data_plane_takes(models, monkeypatch):
    from aios import _core

    def plane(**options):
        raise LookupError(options["workers"])

    monkeypatch.setattr(_core, "thread_budget", lambda: 300)
    monkeypatch.setattr(_core, "DataPlane", plane)
    with pytest.raises(LookupError, match="^256$"):
        aios.Server(models, http_port=0)


def test_a_config_file_says_what_a_label_is_and_what_runs_a_model(models, connect, tmp_path):
    file = tmp_path / "server.toml"
    file.write_text(
        'models = "models"\nhttp_port = 0\npoll_s = 0\n'
        '[per_model.trial]\nengine = "litert"\nlabels = { stable = 1 }\n'
    )
    with aios.Server(config=file) as server:
        client = connect(server)
        assert client.get("/v2/models/trial").json["platform"] == "aios_litert"
        assert _predict(client, "/labels/stable").status == 200
        assert _predict(client, "/labels/other").status == 400


def test_it_serves_a_managers_home_and_follows_its_champion(trial, connect, tmp_path):
    with aios.AICellManager(tmp_path / "home") as manager:
        for _ in range(3):
            manager.registry.register("trial", trial)
        manager.promote("trial", 1)
        with aios.Server(registry=tmp_path / "home", http_port=0, poll_s=0) as server:
            client = connect(server)
            x = {"name": "x", "shape": [1, 8], "datatype": "FP32", "data": [0.5] * 8}

            def answering():
                return client.post("/v2/models/trial/infer", {"inputs": [x]}).json["model_version"]

            assert (sorted(_states(server)), answering()) == ([1, 3], "1")
            assert _predict(client, "/labels/champion").status == 200
            labelled = client.get("/v1/models/trial/labels/champion").json
            assert [each["version"] for each in labelled["model_version_status"]] == ["1"]
            assert client.get("/v1/models/trial/labels/none").status == 404
            told = client.get("/v1/models/trial/metadata").json
            assert told["model_spec"]["version"] == "1"
            manager.promote("trial", 2)
            server.sync()
            assert (sorted(_states(server)), answering()) == ([2, 3], "2")
            manager.rollback("trial")
            server.sync()
            assert answering() == "1"
            bridges = {id(entry.bridge) for entry in server.models()}
            assert len(bridges) == 1


def test_a_canary_answers_its_share_of_the_calls_without_a_version(models, trial, connect):
    shutil.copytree(trial, models / "trial" / "2.cell")
    config = {"trial": aios.ModelConfig(canary={"version": 2, "share": 0.25})}
    with aios.Server(models, http_port=0, poll_s=0, per_model=config) as server:
        client = connect(server)
        for _ in range(8):
            assert _predict(client).status == 200
        answered = {
            e.key.version: sum(sum(r[1]) for r in e.model.totals()) for e in server.models()
        }
        assert answered == {1: 6, 2: 2}


def test_options_of_a_model_that_is_not_there_are_told(models, caplog):
    with aios.Server(models, http_port=0, poll_s=0, per_model={"trail": {"engine": "litert"}}):
        assert "no such model is there; did you mean 'trial'?" in caplog.text


@pytest.mark.parametrize("error", [aios.UnavailableError("away"), OSError(5, "away")])
def test_a_look_that_fails_is_told_and_the_next_one_is_taken(models, caplog, error):
    with aios.Server(models, http_port=0, poll_s=0.01) as server:
        look, failures, has_looked = server._source.look, [error], threading.Event()

        def fails_once():
            if failures:
                raise failures.pop()
            has_looked.set()
            return look()

        server._source.look = fails_once
        assert has_looked.wait(60)
    assert "what is served stays as it is: " in caplog.text


def test_a_server_that_shall_never_look_again_waits_for_ever(models):
    with aios.Server(models, http_port=0, poll_s=float("inf")) as server:
        (watch,) = server._threads
        watch.join(0.05)
        assert watch.is_alive()
