"""KServe v2's system shared memory, by plain HTTP."""

import json
from multiprocessing import shared_memory

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios

pytestmark = pytest.mark.native

_X = np.linspace(-1, 1, 16, dtype=np.float32).reshape(2, 8)
_OUTPUT_BYTES = 2 * 3 * 4


@pytest.fixture
def server(models):
    with aios.Server(models, http_port=0, poll_s=0) as opened:
        yield opened


@pytest.fixture
def block():
    """Shared memory of a page; the input is at 64."""
    memory = shared_memory.SharedMemory(create=True, size=4096)
    memory.buf[64 : 64 + _X.nbytes] = _X.tobytes()
    yield memory
    memory.close()
    memory.unlink()


def region(name, verb="register"):
    return f"/v2/systemsharedmemory/region/{name}/{verb}"


def use(name, offset, size):
    return {
        "shared_memory_region": name, "shared_memory_offset": offset,
        "shared_memory_byte_size": size,
    }  # fmt: skip


def infer(client, source, output=None, **parameters):
    document = {
        "inputs": [{"name": "x", "shape": [2, 8], "datatype": "FP32", "parameters": source}],
        "parameters": parameters,
    }
    if output is not None:
        document["outputs"] = [output]
    return client.post("/v2/models/trial/infer", document)


def test_tensors_come_and_go_by_shared_memory(server, connect, block):
    client = connect(server)
    with aios.load(server.models()[0].found.path) as bridge:
        expected, name = bridge.perform_inference(_X), bridge.signature.outputs[0].name
    asked = {"key": block.name, "offset": 64, "byte_size": 1024}
    assert client.post(region("r"), asked).status == 200
    (known,) = client.get("/v2/systemsharedmemory/status").json
    assert known == {"name": "r", **asked}
    assert client.get(region("r", "status")).json == [known]
    source = use("r", 0, _X.nbytes)
    plain = infer(client, source)
    assert_within_tolerance(
        np.array(plain.json["outputs"][0]["data"], np.float32).reshape(2, 3), expected
    )
    output = {"name": name, "parameters": use("r", 512, _OUTPUT_BYTES)}
    answer = infer(client, source, output)
    assert answer.status == 200, answer.body
    assert answer.json["outputs"] == [
        {"name": name, "datatype": "FP32", "shape": [2, 3], "parameters": output["parameters"]}
    ]
    at = 64 + 512
    found = np.frombuffer(bytes(block.buf[at : at + _OUTPUT_BYTES]), np.float32).reshape(2, 3)
    assert_within_tolerance(found, expected)
    assert client.post(region("r", "unregister"), b"").status == 200
    assert client.get("/v2/systemsharedmemory/status").json == []
    assert infer(client, source).status == 400


def test_what_does_not_fit_is_refused_in_triton_words(server, connect, block):
    client = connect(server)
    asked = {"key": block.name, "byte_size": 4096}
    assert client.post(region("r"), asked).status == 200
    for body, words in (
        (asked, "already in manager"), ({**asked, "key": "../etc/passwd"}, "expected a key"),
        ({"byte_size": 1}, "no 'key'"), ({"key": "a"}, "'byte_size'"), ([], "JSON object"),
        ({**asked, "offset": -1}, "'offset'"), (b"{", "failed to parse"),
    ):  # fmt: skip
        name = "r" if words == "already in manager" else "other"
        refused = client.post(region(name), body)
        assert (refused.status, words in refused.json["error"]) == (400, True), refused.body
    for source, words in (
        (use("r", 0, _X.nbytes - 4), "unexpected"), (use("r", 4090, _X.nbytes), "Invalid offset"),
        (use("none", 0, _X.nbytes), "Unable to find"),
    ):  # fmt: skip
        refused = infer(client, source)
        assert (refused.status, words in refused.json["error"]) == (400, True), refused.body
    output = {"name": "output", "parameters": use("r", 0, 4)}
    with aios.load(server.models()[0].found.path) as bridge:
        output["name"] = bridge.signature.outputs[0].name
    refused = infer(client, use("r", 64, _X.nbytes), output)
    assert refused.status == 400
    assert "at least 24 bytes" in json.loads(refused.body)["error"]
    assert client.get(region("none", "status")).status == 400


def test_others_than_clients_of_this_machine_register_nothing(server, connect, block):
    asked = json.dumps({"key": block.name, "byte_size": 64}).encode()
    foreign = connect(server).post(region("r"), asked, {"Origin": "http://evil.example"})
    assert foreign.status == 403
