import json
from types import SimpleNamespace

import numpy as np
import pytest

import aios
from aios.bridge.library_check import TRIAL

pytestmark = pytest.mark.native

_LABELS = 'model="trial",version="1"'
_SIGNATURE = json.loads((TRIAL / "manifest.json").read_text())["signatures"][0]["name"]


@pytest.fixture
def served(models, connect):
    """A server with a port for metrics, after two good calls and a bad one; and its client."""
    with aios.Server(models, http_port=0, metrics_port=0, poll_s=0) as server:
        client = connect(server)
        row = np.zeros(8).tolist()
        for body in ({"instances": [row, row]}, {"instances": [row]}, {}):
            client.post("/v1/models/trial:predict", body)
        yield server, client


def metrics(client, path="/metrics"):
    """What a page says, as {name with labels: value}."""
    answer = client.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.body.decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


def test_every_call_is_in_the_page(served):
    page = metrics(served[1])
    calls = f'{_LABELS},protocol="tensorflow-serving"'
    assert page[f'aios_requests_total{{{calls},outcome="ok"}}'] == "2"
    assert page[f'aios_requests_total{{{calls},outcome="client_error"}}'] == "1"
    answered = f'{calls},task="predict",signature="{_SIGNATURE}"'
    assert page[f"aios_samples_total{{{answered}}}"] == "3"
    assert page[f"aios_request_latency_us_count{{{answered}}}"] == "2"
    assert float(page[f"aios_request_latency_us_sum{{{answered}}}"]) > 0
    assert page["aios_connections"] == "1"
    assert page["aios_connections_accepted_total"] == "1"
    assert int(page["aios_received_bytes_total"]) > 100
    assert int(page["aios_sent_bytes_total"]) > 100


def test_tensorflow_serving_s_path_has_its_names(served):
    page = metrics(served[1], "/monitoring/prometheus/metrics")
    assert page[':tensorflow:serving:request_count{model_name="trial",status="OK"}'] == "2"


def test_the_port_for_metrics_has_triton_s_names_and_nothing_else(served, connect):
    server, _ = served
    client = connect(SimpleNamespace(host=server.host, http_port=server.metrics_port))
    assert metrics(client)[f"nv_inference_request_success{{{_LABELS}}}"] == "2"
    assert client.get("/v2").status == 404


def test_the_names_at_metrics_are_an_option(models, connect):
    with aios.Server(models, http_port=0, poll_s=0, metric_names="triton") as server:
        assert server.metrics_port is None
        assert f"nv_inference_count{{{_LABELS}}}" in metrics(connect(server))
    with pytest.raises(aios.InvalidArgumentError, match="'aios' or 'tfserving'"):
        aios.Server(models, http_port=0, metric_names="others")
