"""What the extension does with submitted calls, without threads: it answers when it is told to."""

from concurrent.futures import CancelledError, Future

import pytest
from tolerance import assert_within_tolerance

import aios
from aios.bridge.core import core as native

pytestmark = pytest.mark.native


def test_calls_are_answered_together_and_cancelled_ones_are_not(digits):
    submissions = native.Submissions(1)
    futures = [Future() for _ in range(6)]
    with aios.load(digits.bundle, engine="compiled") as bridge:
        x, calls = digits.x_test, bridge.metrics().signatures[0].samples
        needed = [
            submissions.add(bridge, x[i : i + 1], False, None, future)
            for i, future in enumerate(futures)
        ]
        assert needed == [True, False, False, False, False, False]
        futures[2].cancel()
        assert not any(future.done() for future in futures[3:])
        submissions.answer()
        whole = bridge.perform_inference(x[:6])
        for i, future in enumerate(futures):
            if i != 2:
                assert_within_tolerance(future.result(timeout=0), whole[i : i + 1])
        with pytest.raises(CancelledError):
            futures[2].result(timeout=0)
        assert bridge.metrics().signatures[0].samples - calls == 5 + 6
        # The last thread went: the next call needs one.
        assert submissions.add(bridge, x[:1], False, None, Future())
        submissions.withdraw()
