"""Many clients at once: each gets its own answer, however calls were put together."""

import json
import threading

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios

pytestmark = pytest.mark.native

_CLIENTS = 8
_CALLS = 12


@pytest.fixture
def server(models):
    # No call is answered in an I/O thread: bodies over 64 KiB go to the only worker.
    with aios.Server(models, http_port=0, poll_s=0, workers=1) as opened:
        yield opened


def _samples(client, call):
    """A few of its own; the number tells them apart."""
    generator = np.random.default_rng([client, call])
    return generator.standard_normal((1 + (client + call) % 3, 8)).astype(np.float32)


def _padded(x):
    """A request with a long id, which keeps it from being answered in place."""
    document = {
        "id": "x" * (66 << 10),
        "inputs": [
            {"name": "x", "shape": list(x.shape), "datatype": "FP32", "data": x.ravel().tolist()}
        ],
    }
    return json.dumps(document).encode()


def test_answers_of_many_clients_are_what_each_would_get_alone(server, connect, trial):
    wrong = []
    with aios.load(trial) as bridge:
        name = bridge.signature.inputs[0].name
        assert name == "x"

        def ask(client, number):
            for call in range(_CALLS):
                x = _samples(number, call)
                answer = client.post("/v2/models/trial/infer", _padded(x))
                if answer.status != 200:
                    wrong.append(answer)
                    return
                (output,) = answer.json["outputs"]
                got = np.array(output["data"], np.float32).reshape(output["shape"])
                try:
                    assert_within_tolerance(got, bridge.perform_inference(x))
                except AssertionError as error:
                    wrong.append(error)

        threads = [
            threading.Thread(target=ask, args=(connect(server), number))
            for number in range(_CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
    (entry,) = server.models()
    totals = entry.model.executions()
    calls = _CLIENTS * _CALLS
    samples = sum(len(_samples(n, c)) for n in range(_CLIENTS) for c in range(_CALLS))
    assert totals.inference_count == samples
    assert totals.execution_count <= calls
    assert totals.queued == calls
    assert sum(row[1] for row in totals.batches) == totals.execution_count
    assert sum(row[0] * row[1] for row in totals.batches) == samples
