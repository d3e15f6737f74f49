"""What a version has answered, as Triton's statistics extension tells it.

Format: triton-inference-server/server, docs/protocol/extension_statistics.md.
"""

from __future__ import annotations

from typing import Any

from aios.server.library import ModelEntry

_NANOSECONDS = 1000


def model_statistics(entry: ModelEntry) -> dict[str, Any] | None:
    """The document of a version that answers; None where it was taken down meanwhile."""
    model = entry.model
    if model is None:
        return None
    rows = model.totals()
    answered = sum(requests[0] for _, requests, *_ in rows)
    failed = sum(sum(requests[1:]) for _, requests, *_ in rows)
    answered_ns = round(sum(latency_us for *_, latency_us, _ in rows) * _NANOSECONDS)
    return {
        "name": entry.key.name,
        "version": str(entry.key.version),
        "inference_count": sum(samples for *_, samples in rows),
        "inference_stats": {
            "success": _duration(answered, answered_ns),
            "fail": {"count": failed},
        },
    }


def _duration(count: int, nanoseconds: int) -> dict[str, int]:
    return {"count": count, "ns": nanoseconds}
