"""What a server has done, in the names of aios, TensorFlow Serving's and Triton's dashboards."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from aios.registry.shadow_results import ShadowResult
from aios.server import tensorflow_serving_metrics, triton_metrics
from aios.server.exposition import family, histogram, labels_text, page
from aios.server.replies import Reply
from aios.server.snapshot import Batch, Snapshot

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
    ("unlogged", "aios_unlogged_requests_total", "counter", "Requests that a log had no room for."),
)


#: Of Executions: the field, the metric, and what it says.
_EXECUTIONS = (
    ("queued", "aios_queued_total", "Requests that waited for a worker."),
    ("refused", "aios_refused_total", "Requests that found too many waiting."),
    ("expired", "aios_expired_total", "Requests that waited longer than they may."),
    ("cancelled", "aios_cancelled_total", "Requests whose clients left before their turn."),
)
#: Up to what the data plane tells apart.
_BATCH_BOUNDS = (1, 2, 4, 8, 16, 32, 64)

#: Of ShadowResult: the field, the metric, its kind, and what it says.
_SHADOWS = (
    ("compared", "aios_shadow_compared_total", "counter", "Calls that a challenger answered too."),
    ("agreed", "aios_shadow_agreed_total", "counter", "Those within the tolerance."),
    ("failed", "aios_shadow_failed_total", "counter", "Calls that a challenger couldn't answer."),
    ("dropped", "aios_shadow_dropped_total", "counter", "Copies that there was no room for."),
    ("agreement", "aios_shadow_agreement", "gauge", "The share that agrees, from 0 to 1."),
)


def metrics_page(
    names: str,
    versions: Sequence[Snapshot],
    totals: Mapping[str, int],
    bounds_us: Sequence[float],
    shadows: Sequence[ShadowResult] = (),
) -> Reply:
    """The page of one moment.

    Args:
        names: Whose: one of NAMES.
        versions: Every version.
        totals: Of the data plane.
        bounds_us: Upper bounds of the buckets of latency, in µs.
        shadows: What is known of challengers.
    """
    return page(_PAGES[names](versions, totals, bounds_us, shadows))


def _own(
    versions: Sequence[Snapshot],
    totals: Mapping[str, int],
    bounds_us: Sequence[float],
    shadows: Sequence[ShadowResult],
) -> Iterator[str]:
    for key, name, kind, what in _TOTALS:
        yield from family(name, kind, what, [("", totals[key])])
    yield from family(
        "aios_model_ready", "gauge", "Whether a version answers.",
        [(_version(each), int(each.is_ready)) for each in versions],
    )  # fmt: skip
    yield from family(
        "aios_model_engine", "gauge", "1, with the engine that answers single samples.",
        [
            (f"{_version(each)},{labels_text(engine=each.engine, proven=each.is_proven)}", 1)
            for each in versions
            if each.is_ready
        ],
    )  # fmt: skip
    yield from family(
        "aios_requests_total", "counter", "Calls of models, by how they went.",
        [
            (f'{_version(each)},protocol="{row.protocol}",outcome="{outcome}"', count)
            for each in versions
            for row in each.requests
            if row.is_any
            for outcome, count in zip(_OUTCOMES, row[1:], strict=True)
        ],
    )  # fmt: skip
    # Made once for both.
    answered = [
        (f"{_version(each)},{_kind(row.protocol, row.task, row.signature)}", row)
        for each in versions
        for row in each.answered
    ]
    yield from family(
        "aios_samples_total", "counter", "Samples that were answered.",
        [(labels, row.samples) for labels, row in answered],
    )  # fmt: skip
    yield from histogram(
        "aios_request_latency_us",
        "From a whole request to its answer, in microseconds, what it waited for included.",
        [(labels, row.latency, row.latency_us) for labels, row in answered], bounds_us,
    )  # fmt: skip
    yield from _of_executions(versions)
    yield from _of_shadows(shadows)


def _of_executions(versions: Sequence[Snapshot]) -> Iterator[str]:
    ready = [(_version(each), each.executions) for each in versions if each.is_ready]
    for field, name, what in _EXECUTIONS:
        yield from family(
            name, "counter", what, [(labels, getattr(runs, field)) for labels, runs in ready]
        )
    yield from family(
        "aios_queue_us_total", "counter", "How long requests waited for a worker, in microseconds.",
        [(labels, runs.queue_ns / 1000) for labels, runs in ready],
    )  # fmt: skip
    yield from histogram(
        "aios_batch_size", "Samples that a run of the model answered.",
        [
            (labels, _by_size(runs.batches), runs.inference_count)
            for labels, runs in ready
            if runs.execution_count
        ],
        _BATCH_BOUNDS,
    )  # fmt: skip


def _by_size(batches: Sequence[Batch]) -> list[int]:
    counts = [0] * (len(_BATCH_BOUNDS) + 1)
    for batch in batches:
        # Those that are too large to be told apart are behind the last bound.
        place = bisect_left(_BATCH_BOUNDS, batch.samples) if batch.samples else -1
        counts[place] += batch.executions
    return counts


def _of_shadows(shadows: Sequence[ShadowResult]) -> Iterator[str]:
    labels = [
        labels_text(model=one.name, champion=one.champion, challenger=one.challenger)
        for one in shadows
    ]
    for field, name, kind, what in _SHADOWS:
        values = [getattr(one, field) for one in shadows]
        yield from family(name, kind, what, zip(labels, values, strict=True))


def _version(version: Snapshot) -> str:
    return labels_text(model=version.name, version=version.version)


def _kind(protocol: str, task: str, signature: str) -> str:
    return labels_text(protocol=protocol, task=task, signature=signature)


def _tensorflow_serving(
    versions: Sequence[Snapshot],
    _totals: Mapping[str, int],
    bounds_us: Sequence[float],
    _shadows: Sequence[ShadowResult],
) -> Iterator[str]:
    return tensorflow_serving_metrics.lines(versions, bounds_us)


def _triton(
    versions: Sequence[Snapshot],
    _totals: Mapping[str, int],
    _bounds_us: Sequence[float],
    _shadows: Sequence[ShadowResult],
) -> Iterator[str]:
    return triton_metrics.lines(versions)


_Page = Callable[
    [Sequence[Snapshot], Mapping[str, int], Sequence[float], Sequence[ShadowResult]], Iterator[str]
]
_PAGES: Mapping[str, _Page] = {
    "aios": _own,
    "tfserving": _tensorflow_serving,
    "triton": _triton,
}
#: Whose names a page may have.
NAMES = tuple(_PAGES)
