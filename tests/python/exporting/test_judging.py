"""The judge's loop with engines that are only played: what is run, redone, asked and kept."""

import errno
from dataclasses import replace

import numpy as np
import pytest

from aios.bundle.manifest import (
    ArtifactRecord,
    FileRecord,
    GraphRecord,
    Manifest,
    SignatureRecord,
    TensorRecord,
)
from aios.errors import OverloadedError, UnsupportedError
from aios.exporting import golden
from aios.exporting.judging import (
    BatchCall,
    Judge,
    first_right,
    is_strained,
    pending_manifest,
    probed_batches,
)
from aios.exporting.samples import drawn
from aios.proving import ArtifactVerification, Prover

SPEC = TensorRecord("x", "float32", (-1, 2))
SIGNATURE = SignatureRecord("serve", (SPEC,), (replace(SPEC, name="y"),))
GRAPH = GraphRecord("graph", -1)
FILES = (FileRecord("graph", 1, "0" * 64),)
FAST = ArtifactRecord("compiled", "native", "float32", "pending", FILES, (GRAPH,))
OTHER = ArtifactRecord("litert", "any", "float32", "pending", FILES, (GRAPH,))
ONES = {"x": np.ones((3, 2), np.float32)}


class PlayedProver(Prover):
    """Verifies what `worst` names, in tolerances; answers what `answer` gives."""

    isolated = True

    def __init__(self, worst=(), answer=None):
        self.worst = dict(worst)
        self.answer = answer
        self.verified = []

    def verify(self, bundle, *, threads=1, include_pending=False, only=None):
        self.verified.append(dict(self.worst))
        return [
            ArtifactVerification(
                *key, ok=worst <= 1, worst=worst, max_error=worst, samples=3, reason="far off"
            )
            if worst >= 0
            else ArtifactVerification(*key, reason=f"no file {bundle}/graph")
            for key, worst in self.worst.items()
        ]

    def verify_one(self, bundle, key, threads):
        raise NotImplementedError

    def answers(self, bundle, artifact, signature, inputs):
        return self.answer(artifact, inputs)

    def stream_answers(self, bundle, inputs):
        raise NotImplementedError

    def interpret(self, model, signature, inputs):
        raise NotImplementedError

    def close(self):
        pass


def manifest_of(*artifacts):
    files = (FileRecord(golden.FILE, 1, "0" * 64),)
    return Manifest((SIGNATURE,), artifacts, files, golden.FILE, None, {})


def judge_of(tmp_path, prover, **options):
    options.setdefault("unrun", lambda artifact, reason: replace(artifact, reason=reason))
    return Judge(tmp_path, prover, required={}, inputs={}, **options)


def test_what_came_too_near_its_tolerance_is_made_exactly_and_judged_again_once(tmp_path):
    prover = PlayedProver({FAST.key: 0.9, OTHER.key: 0.9})
    redone = []

    def redo(artifact):
        redone.append(artifact.worst)
        prover.worst = {FAST.key: 0.8, OTHER.key: 0.9}
        return replace(FAST, batches=(1,))

    fast, other = judge_of(tmp_path, prover).judged(manifest_of(FAST, OTHER), redo)
    assert redone == [0.9]
    assert len(prover.verified) == 2
    assert (fast.verdict, fast.worst, fast.batches) == ("passed", 0.8, (1,))
    assert (other.verdict, other.worst, other.proved_in_child) == ("passed", 0.9, True)


def test_what_is_far_from_its_tolerance_is_judged_once(tmp_path):
    prover = PlayedProver({FAST.key: 0.1})
    (fast,) = judge_of(tmp_path, prover).judged(manifest_of(FAST), pytest.fail)
    assert (fast.verdict, fast.worst, len(prover.verified)) == ("passed", 0.1, 1)


def test_only_compiled_artifacts_that_ran_are_strained():
    ran = replace(FAST, verdict="failed", worst=None)
    assert is_strained(ran)
    assert is_strained(replace(ran, verdict="passed", worst=0.51))
    assert not is_strained(replace(ran, verdict="passed", worst=0.5))
    assert not is_strained(replace(ran, verdict="declined"))
    assert not is_strained(replace(OTHER, verdict="failed"))


def test_what_cannot_run_here_is_the_callers_to_decide_by_a_reason_without_a_path(tmp_path):
    prover = PlayedProver({FAST.key: -1.0})
    (fast,) = judge_of(tmp_path, prover).verified(manifest_of(FAST))
    assert fast == replace(FAST, reason="no file graph")


def test_an_objection_fails_what_was_within_its_tolerance(tmp_path):
    prover = PlayedProver({FAST.key: 0.1, OTHER.key: 2.0})
    judge = judge_of(tmp_path, prover, objection=lambda artifact: f"{artifact.engine}: too wide")
    fast, other = judge.verified(manifest_of(FAST, OTHER))
    assert (fast.verdict, fast.reason) == ("failed", "compiled: too wide")
    assert (other.verdict, other.reason) == ("failed", "far off")


def _in_batches(tmp_path, answer, artifact=OTHER, **options):
    prover = PlayedProver(answer=answer)
    calls = [BatchCall("serve", n, ONES, {"y": ONES["x"]}, **options) for n in (3, 11)]
    passed = replace(artifact, verdict="passed", composable=True)
    (found,) = judge_of(tmp_path, prover).in_batches(manifest_of(passed), lambda _: calls)
    return found.verdict, found.composable, found.reason


def test_a_batch_that_is_answered_wrongly_fails_the_artifact(tmp_path):
    def answer(artifact, inputs):
        return {"y": inputs["x"] + 1}

    assert _in_batches(tmp_path, answer) == (
        "failed",
        False,
        "signature 'serve': a batch of 3 isn't answered as the training model answers it",
    )


def test_a_batch_that_is_answered_well_changes_nothing(tmp_path):
    assert _in_batches(tmp_path, lambda _, inputs: {"y": inputs["x"]}) == ("passed", True, None)


def test_a_batch_that_is_refused_leaves_single_samples(tmp_path):
    def refuse(artifact, inputs):
        raise UnsupportedError("no such batch")

    assert _in_batches(tmp_path, refuse) == ("passed", False, None)
    assert _in_batches(tmp_path, refuse, may_refuse=True) == ("passed", True, None)


def test_whatever_a_batch_raises_fails_the_artifact_but_a_full_disk_ends_the_export(tmp_path):
    def broken(artifact, inputs):
        raise KeyError("lost")

    def full(artifact, inputs):
        raise OverloadedError("disk") from OSError(errno.ENOSPC, "full")

    assert _in_batches(tmp_path, broken) == ("failed", False, "in a batch: KeyError: 'lost'")
    with pytest.raises(OverloadedError):
        _in_batches(tmp_path, full)


def test_only_what_passed_and_takes_any_batch_is_asked(tmp_path):
    single = replace(OTHER, verdict="passed", graphs=(replace(GRAPH, batch=1),))
    failed = replace(FAST, verdict="failed")
    judge = judge_of(tmp_path, PlayedProver(answer=None))
    assert judge.in_batches(manifest_of(single, failed), pytest.fail) == (single, failed)


def test_code_for_many_samples_is_asked_for_more_than_those():
    assert probed_batches(OTHER) == (3, 11)
    assert probed_batches(replace(FAST, batches=(1, 8))) == (3, 11)
    assert probed_batches(replace(FAST, batches=(1, 8, 32))) == (3, 11, 43)


@pytest.fixture
def sets(tmp_path):
    found = golden.collect(
        lambda inputs: {"y": inputs["x"]}, SIGNATURE, drawn(SIGNATURE), OTHER.tolerance
    )
    golden.save(tmp_path / golden.FILE, [found])
    return [found]


def _first_right(tmp_path, sets, outcomes):
    """Candidates by name: an error in tolerances, -1 for one that can't run, or no artifact."""
    made = []

    def candidate(name, outcome):
        def make():
            made.append(name)
            if isinstance(outcome, str):
                raise UnsupportedError(outcome)
            prover.worst = {OTHER.key: outcome}
            return replace(
                OTHER, files=(replace(FILES[0], path=name),), graphs=(GraphRecord(name),)
            )

        return make

    prover = PlayedProver()
    candidates = [candidate(name, outcome) for name, outcome in outcomes.items()]
    (file,) = first_right(tmp_path, sets, candidates, prover).files
    return file.path, made


def test_the_first_right_candidate_is_taken_and_no_more_are_made(tmp_path, sets):
    outcomes = {"a": "no form", "b": 3.0, "c": 0.5, "d": 0.1}
    assert _first_right(tmp_path, sets, outcomes) == ("c", ["a", "b", "c"])


def test_where_none_is_right_the_first_that_ran_is_left_to_be_judged(tmp_path, sets):
    assert _first_right(tmp_path, sets, {"a": -1.0, "b": 3.0, "c": 2.0})[0] == "b"


def test_where_none_runs_every_reason_is_told_once(tmp_path, sets):
    with pytest.raises(UnsupportedError) as told:
        _first_right(tmp_path, sets, {"a": "no form", "b": -1.0, "c": "no form"})
    assert str(told.value) == f"no form; no file {tmp_path}/graph"


def test_a_bundle_in_the_making_says_what_the_cell_needs(tmp_path, sets):
    manifest = pending_manifest(sets, (OTHER,), ())
    assert manifest.signatures == (SIGNATURE,)
    assert manifest.artifacts == (OTHER,)
    assert manifest.own_samples == {"serve": 32}
    assert manifest.input_ranges == {"serve": sets[0].ranges}
