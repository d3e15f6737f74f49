import json
import threading
import weakref
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios

_X = np.linspace(-1, 1, 16, dtype=np.float32).reshape(2, 8)


@pytest.fixture
def server(models):
    with aios.Server(models, http_port=0, poll_s=0) as opened:
        yield opened


@pytest.fixture
def client(server):
    with aios.Client(server.url) as opened:
        yield opened


@pytest.mark.native
def test_an_array_is_answered_by_an_array_and_a_dict_by_a_dict(client, trial):
    with aios.load(trial) as bridge:
        expected, name = bridge.perform_inference(_X), bridge.signature.outputs[0].name
    assert_within_tolerance(client.infer("trial", _X), expected)
    answer = client.infer("trial", {"x": _X}, version=1)
    assert list(answer) == [name]
    assert_within_tolerance(answer[name], expected)


@pytest.mark.native
def test_a_label_stands_for_the_version_that_it_names(models):
    told = {"trial": {"labels": {"stable": 1, "next": 2}}}
    with (
        aios.Server(models, http_port=0, poll_s=0, per_model=told) as server,
        aios.Client(server.url) as client,
    ):
        expected = client.infer("trial", _X, version=1)
        assert_within_tolerance(client.infer("trial", _X, label="stable"), expected)
        with pytest.raises(aios.NotFoundError, match="version 2"):
            client.infer("trial", _X, label="next")
        with pytest.raises(aios.NotFoundError, match="version label: old"):
            client.infer("trial", _X, label="old")
        with pytest.raises(aios.InvalidArgumentError, match="a version or a label"):
            client.infer("trial", _X, version=1, label="stable")


@pytest.mark.native
def test_what_does_not_fit_is_refused_in_the_servers_words(client):
    with pytest.raises(aios.InvalidArgumentError, match="data-type is 'FP64', but model 'trial'"):
        client.infer("trial", _X.astype(np.float64))
    with pytest.raises(aios.InvalidArgumentError, match=r"Expected \[-1,8\], got \[16\]"):
        client.infer("trial", _X.ravel())
    with pytest.raises(aios.NotFoundError, match="unknown model: 'none'"):
        client.infer("none", _X)
    with pytest.raises(aios.NotFoundError, match="version 7 is not found"):
        client.infer("trial", {"x": _X}, version=7)
    with pytest.raises(aios.InvalidArgumentError, match="no tensor has the dtype complex64"):
        client.infer("trial", {"x": _X.astype(np.complex64)})


@pytest.mark.native
def test_it_tells_what_the_server_has(client):
    (model,) = client.models()
    assert (model.name, model.version, model.state, model.reason) == ("trial", 1, "READY", "")
    assert client.ready()
    assert client.ready("trial")
    assert not client.ready("none")
    assert not client.ready("trial", version=2)


@pytest.mark.native
def test_threads_share_it(client):
    answers = [None] * 4
    threads = [
        threading.Thread(
            target=lambda k=k: answers.__setitem__(k, client.infer("trial", {"x": _X}))
        )
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (name,) = answers[0]
    assert [answer[name].shape for answer in answers] == [(2, 3)] * 4


@pytest.mark.native
def test_it_connects_anew_where_its_connection_was_cut(models):
    with aios.Server(models, http_port=0, poll_s=0) as first:
        client = aios.Client(first.url)
        assert client.infer("trial", {"x": _X})
        port = first.http_port
    with aios.Server(models, http_port=port, poll_s=0):
        assert client.infer("trial", {"x": _X})
    client.close()


def test_no_server_is_unavailable():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        port = taken.server_port
    with pytest.raises(aios.UnavailableError, match=f"no answer from 127.0.0.1:{port}"):
        aios.Client(f"http://127.0.0.1:{port}", retries=0).models()


def test_it_asks_again_while_the_server_is_unavailable():
    asked = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            ready = len(asked) > 2
            body = b"[]" if ready else json.dumps({"error": "loading"}).encode()
            self.send_response(200 if ready else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            """Keeps the test quiet."""

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(aios.UnavailableError, match="loading"):
            aios.Client(f"http://127.0.0.1:{server.server_port}", retries=0).models()
        assert aios.Client(f"http://127.0.0.1:{server.server_port}").models() == []
        server.shutdown()
    assert asked == ["/v2/repository/index"] * 3


@pytest.mark.native
def test_the_connection_of_a_thread_ends_with_it(client):
    connections = []

    def ask():
        assert client.ready()
        connections.extend(weakref.ref(each) for each in client._connections)

    for _ in range(3):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert len(connections) == 3
    assert [each() for each in connections] == [None] * 3
