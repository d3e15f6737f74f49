"""Metrics in the names that dashboards of TensorFlow Serving use.

Names and labels: tensorflow/serving, tensorflow_serving/servables/tensorflow/util.cc. Only calls in
its own protocols are counted. What isn't measured here in the same way is left out; buckets have
this server's bounds, and of failures it is known whose fault they were, not the code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from aios.server.exposition import family, histogram, labels_text
from aios.server.snapshot import GRPC, Answered, Snapshot

_PROTOCOL = "tensorflow-serving"
_PREFIX = ":tensorflow:serving:"
_APIS = {"predict": "Predict", "classify": "Classify", "regress": "Regress"}


def lines(versions: Iterable[Snapshot], bounds_us: Sequence[float]) -> Iterator[str]:
    """The lines of one moment: versions of a model are counted together.

    Args:
        versions: Every version.
        bounds_us: Upper bounds of the buckets of latency, in µs.
    """
    counts: dict[tuple[str, str], int] = defaultdict(int)
    answered: dict[tuple[str, str, str], list[Answered]] = defaultdict(list)
    for each in versions:
        for row in each.requests:
            if row.protocol.startswith(_PROTOCOL) and row.is_any:
                counts[each.name, "OK"] += row.ok
                counts[each.name, "CLIENT_ERROR"] += row.client_error
                counts[each.name, "SERVER_ERROR"] += row.server_error
        for calls in each.answered:
            if calls.protocol.startswith(_PROTOCOL):
                way = "GRPC" if calls.protocol.endswith(GRPC) else "REST"
                answered[each.name, _APIS[calls.task], way].append(calls)
    yield from family(
        f"{_PREFIX}request_count", "counter", "Calls of models, by how they went.",
        [
            (labels_text(model_name=name, status=status), count)
            for (name, status), count in counts.items()
        ],
    )  # fmt: skip
    samples: dict[str, int] = defaultdict(int)
    for (name, *_), rows in answered.items():
        samples[name] += sum(row.samples for row in rows)
    yield from family(
        f"{_PREFIX}request_example_count_total", "counter", "Samples that were answered.",
        [(labels_text(model=name), count) for name, count in samples.items()],
    )  # fmt: skip
    yield from histogram(
        f"{_PREFIX}request_latency",
        "From a whole request to its answer, in microseconds, what it waited for included.",
        [
            (
                labels_text(model_name=name, API=api, entrypoint=way),
                [sum(column) for column in zip(*(row.latency for row in rows), strict=True)],
                sum(row.latency_us for row in rows),
            )
            for (name, api, way), rows in answered.items()
        ],
        bounds_us,
    )
