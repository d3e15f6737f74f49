"""Engines in this process answer, and say what they do next."""

import numpy as np
import pytest
from tolerance import assert_within_tolerance

from aios.bundle.manifest import read_manifest
from aios.errors import UnsupportedError
from aios.proving.in_process import InProcessProver

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def told():
    return []


@pytest.fixture
def prover(told):
    with InProcessProver(tell=told.append) as found:
        yield found


def _litert(bundle):
    return next(a for a in read_manifest(bundle).artifacts if a.engine == "litert")


def test_an_artifact_is_verified_alone(digits, prover):
    entry = prover.verify_one(digits.bundle, _litert(digits.bundle).key, 1)
    assert (entry.engine, entry.ok) == ("litert", True)
    assert entry.samples > 32
    assert 0 <= entry.worst <= 1


def test_what_is_loaded_stays_for_the_next_call_until_it_is_closed(digits, prover, told):
    artifact = _litert(digits.bundle)
    x = digits.x_test[:3]
    first = prover.answers(digits.bundle, artifact, "serving_default", {"x": x})
    cell = prover._cell
    prover.answers(digits.bundle, artifact, "serving_default", {"x": x})
    assert prover._cell is cell
    (answer,) = first.values()
    assert_within_tolerance(answer, np.asarray(digits.model(x, training=False)))
    assert told == ["answering", "answering"]
    prover.close()
    assert prover._cell is None


def test_the_interpreter_reads_then_answers_and_what_it_refuses_is_unsupported(
    digits, prover, told
):
    model = digits.bundle / _litert(digits.bundle).graphs[0].path
    x = digits.x_test[:2]
    (answer,) = prover.interpret(model, "serving_default", {"x": x}).values()
    assert_within_tolerance(answer, np.asarray(digits.model(x, training=False)))
    assert told == ["reading", "answering"]
    with pytest.raises(UnsupportedError, match="LiteRT can't run it"):
        prover.interpret(model, "none", {"x": x})
