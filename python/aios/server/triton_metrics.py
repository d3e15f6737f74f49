"""Metrics in the names that dashboards of Triton use.

Names and labels: triton-inference-server/server, docs/user_guide/metrics.md. Calls are counted in
whatever protocol they came. What isn't measured here is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aios.server.exposition import family, labels_text
from aios.server.snapshot import Snapshot

_NANOSECONDS = 1000
#: What a run of the model consists of.
_PARTS = (
    ("input", "Reading requests."),
    ("infer", "The model."),
    ("output", "Writing answers."),
)


def lines(versions: Iterable[Snapshot]) -> Iterator[str]:
    """The lines of one moment."""
    ready = [
        (labels_text(model=each.name, version=each.version), each)
        for each in versions
        if each.is_ready
    ]
    yield from family(
        "nv_inference_request_success", "counter", "Requests that were answered well.",
        [(labels, sum(row.ok for row in each.requests)) for labels, each in ready],
    )  # fmt: skip
    yield from family(
        "nv_inference_request_failure", "counter", "Requests that failed, by why.",
        [
            (f'{labels},reason="{reason}"', count)
            for labels, each in ready
            for reason, count in _failures(each)
        ],
    )  # fmt: skip
    yield from family(
        "nv_inference_count", "counter", "Samples that were answered.",
        [(labels, each.executions.inference_count) for labels, each in ready],
    )  # fmt: skip
    yield from family(
        "nv_inference_exec_count", "counter", "Runs of the model, each for one request or several.",
        [(labels, each.executions.execution_count) for labels, each in ready],
    )  # fmt: skip
    yield from family(
        "nv_inference_request_duration_us", "counter",
        "What requests that were answered well took together, what they waited for included.",
        [
            (labels, round(sum(row.latency_us for row in each.answered)))
            for labels, each in ready
        ],
    )  # fmt: skip

    yield from family(
        "nv_inference_queue_duration_us", "counter", "What requests waited for a worker.",
        [(labels, each.executions.queue_ns // _NANOSECONDS) for labels, each in ready],
    )  # fmt: skip
    for field, what in _PARTS:
        yield from family(
            f"nv_inference_compute_{field}_duration_us", "counter", what,
            [
                (
                    labels,
                    sum(getattr(batch, f"{field}_ns") for batch in each.executions.batches)
                    // _NANOSECONDS,
                )
                for labels, each in ready
            ],
        )  # fmt: skip


def _failures(version: Snapshot) -> Iterator[tuple[str, int]]:
    runs = version.executions
    yield "REJECTED", runs.refused + runs.expired
    yield "CANCELED", runs.cancelled
    yield "BACKEND", sum(row.server_error for row in version.requests)
    yield "OTHER", sum(row.client_error for row in version.requests)
