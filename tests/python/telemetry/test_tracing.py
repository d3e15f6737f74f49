"""Spans of runs and their attempts: all are exported, and none outlives the span above it."""

import threading

import numpy as np
import pytest

import aios

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def traced(make_manager, exporter):
    """A manager whose spans are exported in batches, minutes apart."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=600_000))
    yield make_manager(tracing=provider)
    provider.shutdown()


def spans(manager, exporter):
    """All spans by name, as they are once the manager is closed."""
    manager.close()
    return {item.name: item for item in exporter.get_finished_spans()}


def load(data):
    return data


def double(load):
    return load * 2


def test_spans_of_runs_and_steps_are_flushed_when_the_manager_closes(traced, exporter):
    traced.register_workflow(aios.Workflow(id="flow", steps=[load, double]))
    run = traced.execute_workflow("flow", np.ones(2))
    run.result(60)
    found = spans(traced, exporter)
    assert found.keys() == {"run flow", "step load", "step double"}
    whole = found["run flow"]
    assert whole.attributes == {
        "aios.run_id": run.id, "aios.workflow": "flow", "aios.status": "SUCCESS"
    }  # fmt: skip
    for name in ("step load", "step double"):
        assert found[name].parent.span_id == whole.context.span_id
        assert whole.start_time <= found[name].start_time
        assert found[name].end_time <= whole.end_time


def test_the_span_of_a_step_that_hangs_ends_with_its_run(traced, exporter):
    release = threading.Event()

    @aios.step(timeout_s=0.05)
    def hangs(data):
        release.wait(60)

    traced.register_workflow(aios.Workflow(id="flow", steps=[hangs]))
    with pytest.raises(aios.WorkflowFailedError):
        traced.execute_workflow("flow").result(60)
    found = spans(traced, exporter)
    release.set()
    assert found["step hangs"].attributes["aios.given_up"]
    assert found["step hangs"].end_time <= found["run flow"].end_time
    assert found["run flow"].attributes["aios.status"] == "FAILED"


def test_a_failed_step_has_its_exception_even_if_that_has_no_text(traced, exporter):
    class SilentError(Exception):
        def __str__(self):
            raise RuntimeError

    def broken(data):
        raise SilentError

    traced.register_workflow(aios.Workflow(id="flow", steps=[broken]))
    with pytest.raises(aios.WorkflowFailedError):
        traced.execute_workflow("flow").result(60)
    span = spans(traced, exporter)["step broken"]
    assert not span.status.is_ok
    (event,) = span.events
    assert event.attributes["exception.type"] == "SilentError"
    assert "in broken" in event.attributes["exception.stacktrace"]


def test_a_run_that_is_cancelled_or_let_go_has_a_span(traced, exporter):
    entered = threading.Event()

    def waits(data, context):
        entered.set()
        context.cancelled.wait(60)
        context.check_cancelled()

    traced.register_workflow(aios.Workflow(id="flow", steps=[waits]))
    traced.execute_workflow("flow")
    assert entered.wait(60)
    found = spans(traced, exporter)
    assert found["run flow"].attributes["aios.status"] == "LET_GO"
    assert found["step waits"].end_time <= found["run flow"].end_time
