import re
from types import SimpleNamespace

import numpy as np
import pytest

import aios
from aios.registry.shadow_results import ShadowResult
from aios.server.folder import VersionKey
from aios.server.metrics_page import metrics_page

pytestmark = pytest.mark.native


@pytest.fixture
def metrics(models, connect):
    """What /metrics says, as {name with labels: value}, after two good calls and a bad one."""
    with aios.Server(models, http_port=0, poll_s=0) as server:
        client = connect(server)
        row = np.zeros(8).tolist()
        for body in ({"instances": [row, row]}, {"instances": [row]}, {}):
            client.post("/v1/models/trial:predict", body)
        answer = client.get("/metrics")
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = answer.body.decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))


_TOTALS = dict.fromkeys(
    (
        *("connections", "accepted", "refused", "timed_out", "bytes_in", "bytes_out"),
        "waiting_calls",
    ),
    0,
)
_LABELS = 'model="trial",version="1",protocol="tensorflow-serving"'


def test_calls_are_counted_by_how_they_went(metrics):
    counts = {
        outcome: metrics[f'aios_requests_total{{{_LABELS},outcome="{outcome}"}}']
        for outcome in ("ok", "client_error", "server_error")
    }
    assert counts == {"ok": "2", "client_error": "1", "server_error": "0"}
    assert metrics[f"aios_samples_total{{{_LABELS}}}"] == "3"
    assert metrics['aios_model_ready{model="trial",version="1"}'] == "1"


def test_the_histogram_of_latency_adds_up(metrics):
    pattern = re.compile(rf'aios_request_latency_us_bucket\{{{_LABELS},le="(.+)"\}}')
    buckets = {m[1]: int(value) for name, value in metrics.items() if (m := pattern.match(name))}
    assert list(buckets)[:4] == ["1", "2", "5", "10"]
    assert list(buckets)[-2:] == ["1e+06", "+Inf"]
    assert list(buckets.values()) == sorted(buckets.values())
    assert buckets["+Inf"] == int(metrics[f"aios_request_latency_us_count{{{_LABELS}}}"]) == 2
    assert float(metrics[f"aios_request_latency_us_sum{{{_LABELS}}}"]) > 0


def test_connections_and_bytes_are_counted(metrics):
    assert metrics["aios_connections"] == "1"
    assert metrics["aios_connections_accepted_total"] == "1"
    assert int(metrics["aios_received_bytes_total"]) > 100
    assert int(metrics["aios_sent_bytes_total"]) > 100


def test_a_version_that_is_taken_down_meanwhile_is_left_out_or_counted():
    class Leaving:
        """Has its model for the first two looks."""

        key = VersionKey("m", 1)
        looks = 0

        @property
        def model(self):
            self.looks += 1
            return SimpleNamespace(totals=list) if self.looks <= 2 else None

    page = metrics_page([Leaving()], _TOTALS, [1.0])
    assert page.status == 200
    assert b'aios_model_ready{model="m",version="1"} 1' in page.body


def test_what_is_known_of_challengers_is_told():
    compared = ShadowResult(
        name="m", champion=1, challenger=2, compared=4, agreed=3, failed=1, dropped=7
    )
    lines = metrics_page([], _TOTALS, [1.0], [compared]).body.decode().splitlines()
    labels = 'model="m",champion="1",challenger="2"'
    assert f"aios_shadow_compared_total{{{labels}}} 4" in lines
    assert f"aios_shadow_dropped_total{{{labels}}} 7" in lines
    assert f"aios_shadow_agreement{{{labels}}} 0.6" in lines
    assert not [line for line in metrics_page([], _TOTALS, [1.0]).body.split() if b"shadow" in line]
