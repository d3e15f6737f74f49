"""A server under load while its models come and go; make soak does it for ten minutes."""

import json

import pytest
from benchmarks.server.soak import Soaked, growth, soak

from aios.bridge.library_check import TRIAL

pytestmark = pytest.mark.native


def test_no_good_request_fails_while_versions_come_and_go_and_clients_misbehave(tmp_path):
    body = json.dumps({"instances": [[0.5] * 8]}).encode()
    head = "POST /v1/models/digits:predict HTTP/1.1\r\nHost: a\r\nContent-Length: "
    request = f"{head}{len(body)}\r\n\r\n".encode() + body
    told = soak(tmp_path, TRIAL, 3, 0.5, request, per_s=300, quiet_s=0.1)
    assert (told.failed, told.malformed_failed) == (0, 0)
    assert min(told.answered, told.malformed, told.reloads) > 0
    # Whoever loads a model for the first time keeps some of it.
    assert told.memory_growth < 0.5


def test_a_run_names_the_bars_that_it_misses():
    good = Soaked(1000.0, 800, 0, 8, 0, 2, 50.0, 149.0, 0.049)
    assert good.misses() == []
    bad = Soaked(1000.0, 800, 2, 8, 1, 2, 50.0, 200.0, 0.06)
    assert bad.misses() == [
        "2 good requests failed", "1 malformed ones weren't refused", "memory grew by 6.0%",
        "p99 is 4.0 times the quiet one",
    ]  # fmt: skip


def test_memory_grows_from_where_caches_are_full():
    assert growth([10, 50, *[100] * 8]) == 0
    assert growth([100, 100, *[100] * 4, *[110] * 4]) == pytest.approx(0.1)
