"""What a version has answered, as Triton's statistics extension tells it.

Format: triton-inference-server/server, docs/protocol/extension_statistics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aios.server.snapshot import Batch, Snapshot

_NANOSECONDS = 1000


def model_statistics(version: Snapshot) -> dict[str, Any]:
    """The document of a version that answers.

    Its queue counts the requests that waited for a worker; what a run of the model took is counted
    once for all requests that it answered.
    """
    runs = version.executions
    answered_us = sum(row.latency_us for row in version.answered)
    failed = sum(row.client_error + row.server_error for row in version.requests)
    return {
        "name": version.name,
        "version": str(version.version),
        "last_inference": version.last_ms,
        "inference_count": runs.inference_count,
        "execution_count": runs.execution_count,
        "inference_stats": {
            "success": _of_us(sum(row.ok for row in version.requests), answered_us),
            "fail": _of_us(failed, version.failed_us),
            "queue": _duration(runs.queued, runs.queue_ns),
            **_compute(runs.batches),
            "cache_hit": _duration(0, 0),
            "cache_miss": _duration(0, 0),
        },
        "batch_stats": [
            {"batch_size": batch.samples, **_compute([batch])}
            for batch in runs.batches
            if batch.samples
        ],
        "memory_usage": [],
        "response_stats": {},
    }


def _compute(batches: Sequence[Batch]) -> dict[str, dict[str, int]]:
    count = sum(batch.executions for batch in batches)
    return {
        "compute_input": _duration(count, sum(batch.input_ns for batch in batches)),
        "compute_infer": _duration(count, sum(batch.infer_ns for batch in batches)),
        "compute_output": _duration(count, sum(batch.output_ns for batch in batches)),
    }


def _duration(count: int, nanoseconds: int) -> dict[str, int]:
    return {"count": count, "ns": nanoseconds}


def _of_us(count: int, microseconds: float) -> dict[str, int]:
    return _duration(count, round(microseconds * _NANOSECONDS))
