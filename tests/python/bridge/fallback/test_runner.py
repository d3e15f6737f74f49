"""Sessions that are lent to one caller at a time, timing and counters, on a model of one line."""

import threading

import numpy as np
import pytest

from aios.bridge.fallback.engine import Session
from aios.bridge.fallback.records import Signature, TensorSpec
from aios.bridge.fallback.runner import Runner

SIGNATURE = Signature(
    "serve", [TensorSpec("x", "float32", (-1, 2))], [TensorSpec("y", "float32", (-1, 2))]
)
X = np.array([[1.0, 2.0]], np.float32)


class Doubling(Session):
    def call(self, inputs):
        (x,) = inputs
        if np.isnan(x).any():
            raise ValueError("the engine failed")
        return [2 * x]


class Model:
    def __init__(self):
        self.sessions = []

    def new_session(self, signature):
        assert signature is SIGNATURE
        self.sessions.append(Doubling())
        return self.sessions[-1]


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def runner(model):
    return Runner(model, SIGNATURE, threads=1)


def test_one_caller_uses_one_session_again_and_again(runner, model):
    out = np.empty_like(X)
    for _ in range(3):
        runner.run([X], [out], 1)
    np.testing.assert_array_equal(out, 2 * X)
    np.testing.assert_array_equal(runner.answer([X], 1)[0], 2 * X)
    assert len(model.sessions) == 1
    metrics = runner.metrics()
    assert (metrics.calls, metrics.samples, metrics.sessions) == (4, 4, 1)
    assert metrics.staged_bytes == 4 * 2 * X.nbytes


def test_a_session_that_is_lent_is_nobody_elses(runner, model):
    lent = threading.Event()
    go_on = threading.Event()

    def keep():
        with runner.session():
            lent.set()
            go_on.wait(60)

    other = threading.Thread(target=keep)
    other.start()
    assert lent.wait(60)
    with runner.session() as session:
        assert session is model.sessions[1]
    go_on.set()
    other.join(60)
    assert runner.metrics().sessions == 2


def test_a_call_that_fails_is_counted_and_gives_its_session_back(runner, model):
    with pytest.raises(ValueError, match="the engine failed"):
        runner.run([X * np.nan], [np.empty_like(X)], 1)
    runner.run([X], [np.empty_like(X)], 1)
    metrics = runner.metrics()
    assert (metrics.calls, metrics.errors, len(model.sessions)) == (1, 1, 1)
