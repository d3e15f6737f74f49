"""What a server has done, as Prometheus reads it.

Text format: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from aios.registry.shadow_results import ShadowResult
from aios.server.library import ModelEntry
from aios.server.replies import Reply

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_OUTCOMES = ("ok", "client_error", "server_error")

#: Of `DataPlane.totals()`: the key there, the metric, its kind, and what it says.
_TOTALS = (
    ("connections", "aios_connections", "gauge", "Open connections."),
    ("accepted", "aios_connections_accepted_total", "counter", "Connections that were accepted."),
    ("refused", "aios_connections_refused_total", "counter", "Connections over the limit."),
    ("timed_out", "aios_connections_timed_out_total", "counter", "Connections that took too long."),
    ("bytes_in", "aios_received_bytes_total", "counter", "Bytes read."),
    ("bytes_out", "aios_sent_bytes_total", "counter", "Bytes written."),
    ("waiting_calls", "aios_waiting_calls", "gauge", "Calls that wait for a worker."),
)


#: Of ShadowResult: the field, the metric, its kind, and what it says.
_SHADOWS = (
    ("compared", "aios_shadow_compared_total", "counter", "Calls that a challenger answered too."),
    ("agreed", "aios_shadow_agreed_total", "counter", "Those within the tolerance."),
    ("failed", "aios_shadow_failed_total", "counter", "Calls that a challenger couldn't answer."),
    ("dropped", "aios_shadow_dropped_total", "counter", "Copies that there was no room for."),
    ("agreement", "aios_shadow_agreement", "gauge", "The share that agrees, from 0 to 1."),
)


def metrics_page(
    entries: Iterable[ModelEntry],
    totals: Mapping[str, int],
    bounds_us: Sequence[float],
    shadows: Sequence[ShadowResult] = (),
) -> Reply:
    """The page of one moment.

    Args:
        entries: Every version.
        totals: Of the data plane.
        bounds_us: Upper bounds of the buckets of latency, in µs.
        shadows: What is known of challengers.
    """
    families = [*_families(list(entries), totals, bounds_us), *_of_shadows(shadows)]
    lines = [line for family in families for line in family]
    return Reply(200, ("\n".join(lines) + "\n").encode(), CONTENT_TYPE)


def _families(
    entries: Sequence[ModelEntry], totals: Mapping[str, int], bounds_us: Sequence[float]
) -> Iterator[Iterator[str]]:
    for key, name, kind, what in _TOTALS:
        yield _family(name, kind, what, [("", {}, totals[key])])
    yield _family(
        "aios_model_ready", "gauge", "Whether a version answers.",
        [("", _labels(entry), int(entry.model is not None)) for entry in entries],
    )  # fmt: skip
    # Read once: a version may be taken down at any moment.
    models = [(entry, model) for entry in entries if (model := entry.model) is not None]
    rows = [(entry, row) for entry, model in models for row in model.totals()]
    yield _family(
        "aios_requests_total", "counter", "Calls of models, by how they went.",
        [
            ("", {**_labels(entry), "protocol": protocol, "outcome": outcome}, count)
            for entry, (protocol, requests, *_) in rows
            for outcome, count in zip(_OUTCOMES, requests, strict=True)
        ],
    )  # fmt: skip
    yield _family(
        "aios_samples_total", "counter", "Samples that were answered.",
        [("", {**_labels(entry), "protocol": row[0]}, row[4]) for entry, row in rows],
    )  # fmt: skip
    yield _family(
        "aios_request_latency_us", "histogram",
        "From a whole request to its answer, in microseconds, without waiting for a worker.",
        [sample for entry, row in rows for sample in _histogram(_labels(entry), row, bounds_us)],
    )  # fmt: skip


def _of_shadows(shadows: Sequence[ShadowResult]) -> Iterator[Iterator[str]]:
    if not shadows:
        return
    labels = [
        {"model": one.name, "champion": str(one.champion), "challenger": str(one.challenger)}
        for one in shadows
    ]
    for field, name, kind, what in _SHADOWS:
        values = [getattr(one, field) for one in shadows]
        rows = [("", named, value) for named, value in zip(labels, values, strict=True)]
        yield _family(name, kind, what, rows)


_Sample = tuple[str, dict[str, str], float]
_Row = tuple[str, Sequence[int], Sequence[int], float, int]


def _histogram(labels: dict[str, str], row: _Row, bounds_us: Sequence[float]) -> Iterator[_Sample]:
    protocol, _, buckets, sum_us, _ = row
    named = {**labels, "protocol": protocol}
    uppers = [*(f"{bound:g}" for bound in bounds_us), "+Inf"]
    for upper, count in zip(uppers, accumulate(buckets), strict=True):
        yield "_bucket", {**named, "le": upper}, count
    yield "_sum", named, sum_us
    yield "_count", named, sum(buckets)


def _family(name: str, kind: str, what: str, samples: Iterable[_Sample]) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"
    for suffix, labels, value in samples:
        inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{name}{suffix}{{{inner}}} {value}" if inner else f"{name}{suffix} {value}"


def _labels(entry: ModelEntry) -> dict[str, str]:
    return {"model": entry.key.name, "version": str(entry.key.version)}


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
