import queue

import pytest

from aios.server.request_traces import RequestTraces, TracedRequest

otel = pytest.importorskip("opentelemetry.sdk.trace", reason="needs the extra [otel]")

from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402

HTTP = TracedRequest(
    1_700_000_000_000_000_000, 42_000, "127.0.0.1", "kserve", "POST", "/v2/models/m/infer?x=1",
    "m", 3, 200, 17, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)  # fmt: skip
GRPC = HTTP._replace(
    method="GRPC", target="/inference.GRPCInferenceService/ModelInfer", protocol="kserve-grpc"
)


def spans(*requests):
    """What is exported of these requests."""
    exporter = InMemorySpanExporter()
    provider = otel.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    rows = queue.Queue()
    for bundle in ([tuple(each) for each in requests], []):
        rows.put(bundle)
    RequestTraces(rows.get, provider).close()
    return exporter.get_finished_spans()


def test_a_span_goes_on_with_the_client_s_trace():
    (span,) = spans(HTTP)
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.parent.is_remote
    assert (span.name, span.kind.name) == ("kserve m", "SERVER")
    assert (span.start_time, span.end_time) == (HTTP.begin_ns, HTTP.begin_ns + 42_000)


def test_a_span_says_what_was_asked_and_answered():
    (span,) = spans(HTTP)
    assert dict(span.attributes) == {
        "client.address": "127.0.0.1", "http.request.method": "POST",
        "url.path": "/v2/models/m/infer", "url.query": "x=1", "http.response.status_code": 200,
        "http.response.body.size": 17, "aios.protocol": "kserve", "aios.model": "m",
        "aios.version": 3,
    }  # fmt: skip
    (span,) = spans(GRPC._replace(status=5, version=None))
    assert dict(span.attributes) == {
        "client.address": "127.0.0.1", "rpc.system": "grpc", "rpc.method": "ModelInfer",
        "rpc.service": "inference.GRPCInferenceService", "rpc.grpc.status_code": 5,
        "aios.protocol": "kserve-grpc", "aios.model": "m",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HTTP, "UNSET"),
        (HTTP._replace(status=404), "UNSET"),
        (HTTP._replace(status=503), "ERROR"),
        (GRPC._replace(status=3), "UNSET"),
        (GRPC._replace(status=13), "ERROR"),
    ],
)
def test_only_the_server_s_faults_are_errors(request_, status):
    (span,) = spans(request_)
    assert span.status.status_code.name == status


def test_a_request_that_called_no_model_has_a_span_too():
    (span,) = spans(HTTP._replace(protocol="http", model="", version=None, target="/v2"))
    assert span.name == "http"
    assert "aios.model" not in span.attributes
