"""Versions as metrics and statistics see them."""

from aios.server.snapshot import Answered, Batch, Executions, Requests, Snapshot

BOUNDS_US = (1.0, 10.0)
TOTALS = {
    "connections": 4, "accepted": 0, "refused": 0, "timed_out": 0, "bytes_in": 0, "bytes_out": 0,
    "waiting_calls": 0, "unlogged": 0,
}  # fmt: skip

_BATCHES = [Batch(1, 5, 100, 2_000, 300), Batch(3, 2, 50, 4_000, 25), Batch(0, 1, 5, 6, 7)]

#: Version 2 of "digits" answers, in two protocols; version 3 doesn't.
VERSIONS = [
    Snapshot(
        "digits", 2, "compiled", True,
        [
            Requests("tensorflow-serving", 4, 0, 0),
            Requests("tensorflow-serving-grpc", 0, 0, 0),
            Requests("kserve", 3, 1, 2),
        ],
        [
            Answered("tensorflow-serving", "predict", "serve", (1, 0, 0), 1.0, 1),
            Answered("tensorflow-serving", "predict", "other", (0, 2, 0), 4.0, 2),
            Answered("tensorflow-serving", "regress", "serve", (0, 0, 1), 100.0, 5),
            Answered("kserve", "predict", "serve", (1, 2, 0), 12.5, 7),
        ],
        failed_us=3.25,
        last_ms=1_700_000_000_000,
        executions=Executions(
            16, 8, queued=4, queue_ns=9_000, refused=2, expired=1, cancelled=3,
            batches=_BATCHES,
        ),
    ),
    Snapshot("digits", 3, None, True),
]  # fmt: skip
