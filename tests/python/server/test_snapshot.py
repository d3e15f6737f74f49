from types import SimpleNamespace

import pytest

from aios.server.folder import VersionKey
from aios.server.snapshot import Answered, Batch, Executions, Requests, snapshot

RUNS = SimpleNamespace(
    inference_count=5, execution_count=2, queued=1, queue_ns=7, refused=0, expired=0, cancelled=0,
    batches=[(2, 1, 3, 4, 5)],
)  # fmt: skip


class Leaving:
    """A version that is taken down after it was looked at once."""

    key, found = VersionKey("m", 1), SimpleNamespace(is_proven=False)
    bridge = SimpleNamespace(engine="litert")
    looks = 0

    @property
    def model(self):
        self.looks += 1
        rows = [("kserve", [2, 1, 0], [2], 3.0, 5)]
        answered = [("kserve", "predict", "serve", [2], 3.0, 5)]
        model = SimpleNamespace(
            totals=lambda: rows, answered=lambda: answered, failed_us=lambda: 1.5,
            last_ms=lambda: 9, executions=lambda: RUNS,
        )  # fmt: skip
        return model if self.looks == 1 else None


def test_a_version_is_read_at_one_moment():
    taken = snapshot(Leaving())
    assert (taken.name, taken.version, taken.engine, taken.is_ready) == ("m", 1, "litert", True)
    assert taken.requests == [Requests("kserve", 2, 1, 0)]
    assert taken.answered == [Answered("kserve", "predict", "serve", [2], 3.0, 5)]
    assert (taken.failed_us, taken.last_ms) == (1.5, 9)
    assert taken.executions == Executions(5, 2, 1, 7, 0, 0, 0, [Batch(2, 1, 3, 4, 5)])


@pytest.mark.parametrize("missing", ["model", "bridge"])
def test_a_version_that_does_not_answer_has_answered_nothing(missing):
    fields = {"model": object(), "bridge": object(), missing: None}
    entry = SimpleNamespace(key=VersionKey("m", 1), found=Leaving.found, **fields)
    taken = snapshot(entry)
    assert (taken.is_ready, taken.requests, taken.answered) == (False, (), ())
