import json
import re

import numpy as np
import pytest

import aios

pytestmark = pytest.mark.native

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_ROW = {"instances": [np.zeros(8).tolist()]}


def test_every_request_has_a_line(models, connect, tmp_path):
    path = tmp_path / "access.log"
    with aios.Server(models, http_port=0, poll_s=0, access_log=str(path)) as server:
        client = connect(server)
        predicted = client.post("/v1/models/trial:predict", _ROW)
        client.get("/v2/health/live")
        client.post("/v2/models/none/infer", {})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    first, second, third = lines
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first.pop("time"))
    assert first.pop("us") >= 0
    assert first == {
        "client": "127.0.0.1", "protocol": "tensorflow-serving", "method": "POST",
        "path": "/v1/models/trial:predict", "model": "trial", "version": 1, "status": 200,
        "bytes": len(predicted.body),
    }  # fmt: skip
    asked = (second["protocol"], second["path"], second["status"])
    assert asked == ("http", "/v2/health/live", 200)
    assert (third["status"], "model" in third) == (404, False)


def test_a_log_is_reopened_while_requests_come(models, connect, tmp_path):
    path, old = tmp_path / "access.log", tmp_path / "old.log"
    with aios.Server(models, http_port=0, poll_s=0, access_log=str(path)) as server:
        client = connect(server)
        client.get("/v2")
        path.rename(old)
        server.reopen_log()
        client.get("/v2")
    # The first line may have been written before or after the file was renamed.
    assert len((old.read_text() + path.read_text()).splitlines()) == 2
    assert path.read_text()


def test_a_log_that_cannot_be_opened_is_said_at_once(models, tmp_path):
    with pytest.raises(aios.InvalidArgumentError, match="access_log: "):
        aios.Server(models, http_port=0, access_log=str(tmp_path / "none" / "log"))


def test_only_requests_of_sampled_traces_have_spans(models, connect):
    otel = pytest.importorskip("opentelemetry.sdk.trace", reason="needs the extra [otel]")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter = memory.InMemorySpanExporter()
    provider = otel.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    options = {"http_port": 0, "poll_s": 0, "traces": True, "tracer_provider": provider}
    with aios.Server(models, **options) as server:
        client = connect(server)
        for flags in ("00", "01"):
            parent = {"traceparent": f"00-{_TRACE}-b7ad6b7169203331-{flags}"}
            client.post("/v1/models/trial:predict", _ROW, parent)
        client.post("/v1/models/trial:predict", _ROW)
    (span,) = exporter.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == _TRACE
    assert span.attributes["aios.model"] == "trial"
    assert span.attributes["http.response.status_code"] == 200
    assert span.end_time > span.start_time
