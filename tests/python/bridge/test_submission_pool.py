"""Calls that are submitted: answered in other threads, several at a time, each its own answer."""

import os
import threading

import numpy as np
import pytest
from tolerance import assert_within_tolerance

import aios

_CALLS = 300


@pytest.fixture(scope="module")
def bridge(core, digits):
    with aios.load(digits.bundle, engine="litert") as loaded:
        yield loaded


def _rows(digits, call):
    """One to three samples."""
    return digits.x_test[call : call + 1 + call % 3]


def test_many_small_calls_get_their_own_answers_in_order(bridge, digits):
    futures = [bridge.submit(_rows(digits, call)) for call in range(_CALLS)]
    whole = bridge.perform_inference(digits.x_test)
    for call, future in enumerate(futures):
        rows = future.result(timeout=60)
        assert_within_tolerance(rows, whole[call : call + len(rows)])
        assert len(rows) == 1 + call % 3


def test_calls_that_several_threads_submit_get_their_own_answers(bridge, digits):
    whole = bridge.perform_inference(digits.x_test)
    wrong = []

    def submit(first):
        for call in range(first, _CALLS, 4):
            rows = bridge.submit(_rows(digits, call)).result(timeout=60)
            if not np.allclose(rows, whole[call : call + len(rows)], rtol=1e-4, atol=1e-5):
                wrong.append(call)

    threads = [threading.Thread(target=submit, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_answer_has_the_form_in_which_it_was_asked(bridge, digits):
    x = digits.x_test[:2]
    as_dict = bridge.submit({"x": x}).result(timeout=60)
    assert list(as_dict) == ["output_0"]
    empty = bridge.submit(x[:0]).result(timeout=60)
    assert empty.shape == (0, 10)
    converted = bridge.submit(x.astype(np.float64), copy=True).result(timeout=60)
    assert_within_tolerance(converted, as_dict["output_0"])


def test_a_call_that_is_wrong_harms_no_other(bridge, digits):
    good = bridge.submit(digits.x_test[:1])
    bad = [
        bridge.submit(np.zeros((1, 3), np.float32)),
        bridge.submit(digits.x_test[:1], signature="abacus"),
    ]
    other = bridge.submit(digits.x_test[1:2])
    with pytest.raises(aios.InvalidArgumentError, match="input 'x'"):
        bad[0].result(timeout=60)
    with pytest.raises(aios.NotFoundError, match="abacus"):
        bad[1].result(timeout=60)
    assert good.result(timeout=60).shape == other.result(timeout=60).shape == (1, 10)


def test_what_is_done_with_an_answer_may_submit_the_next_one(bridge, digits):
    done, answers = threading.Event(), []

    def again(future):
        answers.append(future.result())
        if len(answers) == 3:
            done.set()
        else:
            bridge.submit(digits.x_test[:1]).add_done_callback(again)

    bridge.submit(digits.x_test[:1]).add_done_callback(again)
    assert done.wait(60)
    np.testing.assert_array_equal(answers[0], answers[2])


def test_a_forked_child_is_told_that_it_has_no_model(bridge, digits):
    assert bridge.submit(digits.x_test[:1]).result(timeout=60) is not None
    child = os.fork()
    if child == 0:
        try:
            bridge.submit(digits.x_test[:1]).result(timeout=30)
        except aios.FailedPreconditionError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
