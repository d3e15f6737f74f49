"""Prometheus's text format, built so that thousands of lines take milliseconds.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from aios.server.replies import Reply

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: A metric's labels as text, and its value.
Sample = tuple[str, float]
#: The labels, counts by bucket, and the sum of what was measured.
Measured = tuple[str, Sequence[int], float]


def labels_text(**labels: object) -> str:
    """Labels as they stand between the braces."""
    return ",".join(f'{key}="{_escaped(str(text))}"' for key, text in labels.items())


def family(name: str, kind: str, what: str, samples: Iterable[Sample]) -> Iterator[str]:
    """The lines of a counter or a gauge; none where there are no samples."""
    rows = list(samples)
    if rows:
        yield from _head(name, kind, what)
    for labels, value in rows:
        yield f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"


def histogram(
    name: str, what: str, measured: Iterable[Measured], bounds: Sequence[float]
) -> Iterator[str]:
    """The lines of a histogram; none where nothing was measured.

    Args:
        name: The metric's.
        what: It says.
        measured: Each with as many counts as there are bounds, and one more.
        bounds: Upper ones of the buckets.
    """
    rows = list(measured)
    if rows:
        yield from _head(name, "histogram", what)
    ends = [*(f',le="{bound:g}"}} ' for bound in bounds), ',le="+Inf"} ']
    for labels, counts, total in rows:
        start = f"{name}_bucket{{{labels}"
        for end, count in zip(ends, accumulate(counts), strict=True):
            yield f"{start}{end}{count}"
        yield f"{name}_sum{{{labels}}} {total}"
        yield f"{name}_count{{{labels}}} {sum(counts)}"


def page(lines: Iterable[str]) -> Reply:
    """An answer of these lines."""
    return Reply(200, ("\n".join(lines) + "\n").encode(), CONTENT_TYPE)


def _head(name: str, kind: str, what: str) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
