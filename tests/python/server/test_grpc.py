"""gRPC by grpcio's own client, as other people's clients use it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from proto_messages import message_class
from tolerance import assert_within_tolerance

import aios

grpc = pytest.importorskip("grpc", reason="pip install 'aios-cells[test]'")

pytestmark = pytest.mark.native

_DEADLINE_S = 60
CHECK = "/grpc.health.v1.Health/Check"
INFER = "/inference.GRPCInferenceService/ModelInfer"
STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"
WATCH = "/grpc.health.v1.Health/Watch"
SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"


def _service(name):
    """A HealthCheckRequest."""
    return b"\x0a" + bytes([len(name)]) + name.encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from aios.bridge.library_check import TRIAL

    folder = tmp_path_factory.mktemp("models")
    (folder / "trial").mkdir()
    (folder / "trial" / "1.cell").symlink_to(TRIAL, target_is_directory=True)
    with aios.Server(folder, http_port=0, grpc_port=0, poll_s=0) as opened:
        yield opened


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.grpc_url) as opened:
        yield opened


def _call(channel, path, message=b"", **options):
    return channel.unary_unary(path)(message, timeout=_DEADLINE_S, **options)


def _failure(channel, path, message=b"", **options):
    """Code and text of the error."""
    with pytest.raises(grpc.RpcError) as failed:
        _call(channel, path, message, **options)
    return failed.value.code(), failed.value.details()


def _infer_request(x, name="trial"):
    request = message_class("inference.ModelInferRequest")(model_name=name, id="7")
    tensor = request.inputs.add(name="x", datatype="FP32")
    tensor.shape.extend(x.shape)
    request.raw_input_contents.append(x.tobytes())
    return request.SerializeToString()


def _outputs(message):
    response = message_class("inference.ModelInferResponse").FromString(message)
    (raw,) = response.raw_output_contents
    return np.frombuffer(raw, np.float32).reshape(tuple(response.outputs[0].shape))


@pytest.fixture(scope="module")
def expected(server):
    """Inputs, and what a bridge answers."""
    x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(2, 8)
    with aios.load(server.config.models / "trial" / "1.cell") as bridge:
        return x, bridge.perform_inference(x)


def test_a_model_infers_what_a_bridge_answers(channel, expected):
    x, y = expected
    assert_within_tolerance(_outputs(_call(channel, INFER, _infer_request(x))), y)


def test_many_calls_of_a_model_at_a_time_get_their_own_answers(channel, expected):
    x, y = expected
    infer = channel.unary_unary(INFER)
    calls = [
        infer.future(_infer_request(x[row : row + 1]), timeout=_DEADLINE_S)
        for _ in range(100)
        for row in (0, 1)
    ]
    for number, call in enumerate(calls):
        assert_within_tolerance(_outputs(call.result()), y[number % 2][None])


def test_a_stream_answers_each_message_in_order_and_tells_errors_in_it(channel, expected):
    x, y = expected
    asked = [_infer_request(x), _infer_request(x, "nope"), _infer_request(x[:1])]
    answers = [
        message_class("inference.ModelStreamInferResponse").FromString(answer)
        for answer in channel.stream_stream(STREAM)(iter(asked), timeout=_DEADLINE_S)
    ]
    assert [answer.error_message for answer in answers] == [
        "", "Request for unknown model: 'nope' is not found", "",
    ]  # fmt: skip
    for answer, rows in [(answers[0], y), (answers[2], y[:1])]:
        assert answer.infer_response.id == "7"
        assert_within_tolerance(_outputs(answer.infer_response.SerializeToString()), rows)


def test_a_call_of_what_is_not_there_is_told_by_its_code(channel, expected):
    code, text = _failure(channel, INFER, _infer_request(expected[0], "nope"))
    assert code == grpc.StatusCode.NOT_FOUND
    assert text == "Request for unknown model: 'nope' is not found"
    code, _ = _failure(channel, INFER, b"\xff")
    assert code == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_large_call_may_be_compressed_both_ways(channel, expected, compression):
    x = np.repeat(expected[0], 1000, axis=0)
    answer = _call(channel, INFER, _infer_request(x), compression=compression)
    assert_within_tolerance(_outputs(answer)[::1000], expected[1])


def test_its_methods_are_told_by_reflection_and_control(channel):
    live = message_class("inference.ServerLiveResponse")
    answer = _call(channel, "/inference.GRPCInferenceService/ServerLive")
    assert live.FromString(answer).live
    asked = message_class("grpc.reflection.v1.ServerReflectionRequest")(list_services="*")
    reflect = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
    (answer,) = reflect(iter([asked.SerializeToString()]), timeout=_DEADLINE_S)
    told = message_class("grpc.reflection.v1.ServerReflectionResponse").FromString(answer)
    names = {service.name for service in told.list_services_response.service}
    assert "inference.GRPCInferenceService" in names


def test_its_health_is_told_to_probes(channel):
    assert _call(channel, CHECK) == SERVING
    assert _call(channel, CHECK, _service("tensorflow.serving.PredictionService")) == SERVING
    code, text = _failure(channel, CHECK, _service("no.such.Service"))
    assert code == grpc.StatusCode.NOT_FOUND
    assert "no.such.Service" in text


def test_a_watch_is_answered_at_once_and_stays_open(channel):
    answers = channel.unary_stream(WATCH)(_service("nobody"), timeout=_DEADLINE_S)
    assert next(answers) == SERVICE_UNKNOWN
    answers.cancel()
    answers = channel.unary_stream(WATCH)(b"", timeout=_DEADLINE_S)
    assert next(answers) == SERVING
    assert answers.is_active()
    answers.cancel()


def test_the_port_of_http_speaks_it_too(server):
    assert server.grpc_port != server.http_port
    with grpc.insecure_channel(f"127.0.0.1:{server.http_port}") as channel:
        assert _call(channel, CHECK) == SERVING


def test_a_method_that_is_not_there_is_said_to_be_missing(channel):
    code, text = _failure(channel, "/some.Service/Method")
    assert code == grpc.StatusCode.UNIMPLEMENTED
    assert "/some.Service/Method" in text


def test_a_message_that_is_none_is_refused(channel):
    code, text = _failure(channel, CHECK, b"\xff\xff\xff")
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "HealthCheckRequest" in text


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_messages_may_be_compressed(channel, compression):
    assert _call(channel, CHECK, compression=compression) == SERVING


def test_a_message_larger_than_allowed_is_refused(channel):
    code, text = _failure(channel, CHECK, bytes((64 << 20) + 1))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "expected a message of at most 67108864 bytes" in text


def test_many_calls_share_one_connection(channel, server):
    before = server._plane.totals()["accepted"]
    check = channel.unary_unary(CHECK)
    calls = [check.future(b"", timeout=_DEADLINE_S) for _ in range(200)]
    assert {call.result() for call in calls} == {SERVING}
    assert server._plane.totals()["accepted"] - before <= 1


def test_many_channels_are_answered(server):
    def ask(_number):
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(server.grpc_url, options) as channel:
            return _call(channel, CHECK)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(32))) == {SERVING}


def test_a_server_that_drains_lets_its_clients_know(server):
    with aios.Server(server.config.models, http_port=0, poll_s=0) as other:
        channel = grpc.insecure_channel(other.grpc_url)
        is_ready, is_lost = threading.Event(), threading.Event()

        def seen(state):
            if state is grpc.ChannelConnectivity.READY:
                is_ready.set()
            elif is_ready.is_set():
                is_lost.set()

        channel.subscribe(seen, try_to_connect=True)
        assert is_ready.wait(_DEADLINE_S)
        assert _call(channel, CHECK) == SERVING
        assert other.drain(_DEADLINE_S)
        assert is_lost.wait(_DEADLINE_S)
        channel.close()


def test_where_it_was_not_built_in_a_port_for_it_is_refused_with_the_reason(server, monkeypatch):
    from aios import _core

    monkeypatch.setattr(_core, "has_grpc", lambda: False)
    with pytest.raises(aios.UnsupportedError, match="built without nghttp2"):
        aios.Server(server.config.models, http_port=0, grpc_port=0)
    with aios.Server(server.config.models, http_port=0, poll_s=0) as without:
        assert without.grpc_port is None
        assert without.grpc_url is None
