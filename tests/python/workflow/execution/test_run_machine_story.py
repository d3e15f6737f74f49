"""What a run machine tells of itself, and the states in which it can't be."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from run_machines import CHAIN, a, b, fail, finish, machine, value

from aios.errors import InternalError
from aios.workflow.execution.run_events import (
    Conflicted,
    Failed,
    Finished,
    RetryDue,
)
from aios.workflow.steps import Step


def events(run, draw):
    """One event that may come now: of what runs or waits, too late, or out of nowhere."""
    running, paused = sorted(run.running), sorted(run.paused)
    kinds = ["late"] + ["finished", "failed", "conflicted"] * bool(running) + ["due"] * bool(paused)
    kind = draw(st.sampled_from(kinds))
    if kind == "due":
        return RetryDue(draw(st.sampled_from(paused)))
    known = sorted(run.records)
    task = draw(st.sampled_from(known if kind == "late" else running))
    launch = run.records[task].launches - (kind == "late")
    error = {"type": "ValueError", "code": 2, "message": "no"}
    made = {
        "conflicted": Conflicted(task, launch),
        "failed": Failed(task, launch, error, 0.1, draw(st.integers(0, 9)) == 0),
        "late": Finished(task, launch, value("late"), 0.1),
    }
    count = 3 if task == "s0" else None
    return made.get(kind, Finished(task, launch, value(task, count), 0.1))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_no_events_in_any_order_bring_a_run_into_a_state_that_cannot_be(data):
    """Retries, fan-outs, conflicts, late results, restarts and edits: what must hold, holds."""
    draw, size = data.draw, data.draw(st.integers(1, 4))
    steps = [Step(lambda: 0, name="s0", retries=1)] + [
        Step(
            (lambda s0: 0) if number == 1 else (lambda: 0),
            name=f"s{number}",
            over="s0" if number == 1 else None,
            after=tuple(draw(st.sets(st.sampled_from([f"s{m}" for m in range(number)])))),
            retries=draw(st.integers(0, 2)),
        )
        for number in range(1, size)
    ]
    run = machine(steps)
    run.parallel = 2
    run.start(0.0)
    run.validate()
    for _ in range(draw(st.integers(1, 30))):
        if run.over or draw(st.integers(0, 9)) == 0:
            edited = {f"s{draw(st.integers(0, size - 1))}": draw(st.sampled_from(["new", "newer"]))}
            run = machine(steps, run.records, code=edited)
            run.parallel = 2
            run.start(0.0)
        else:
            before, event = run.clone(), events(run, draw)
            if not run.handle(event, 1.0):
                assert run == before or isinstance(event, RetryDue)
        run.validate()


def test_the_story_of_a_step_tells_what_became_of_it_and_why():
    run = machine([Step(a, retries=1), Step(b)])
    run.start(1.0)
    fail(run, "a")
    run.handle(RetryDue("a"), 2.0)
    run.handle(Conflicted("a", 2), 3.0)
    finish(run, "a")
    assert list(map(str, run.story("a"))) == [
        "a RUNNING, launch 1",
        "a RETRYING, launch 1: no",
        "a RUNNING, launch 2: retry",
        "a STALE, launch 2: another writer came first",
        "a RUNNING, launch 3: another writer came first",
        "a SUCCESS, launch 3: another writer came first",
    ]
    again = machine([Step(a, retries=1), Step(b)], run.records, code={"b": "edited"})
    again.start(4.0)
    (reused,) = again.story("a")
    assert (reused.what, reused.why) == ("REUSED", "code, inputs and environment are the same")
    assert again.story("ghost") == []


def test_the_story_of_a_fan_out_holds_its_elements():
    run = machine(
        [Step(lambda: [], name="many"), Step(lambda many: many, name="each", over="many")]
    )
    run.start(1.0)
    finish(run, "many", "list", count=2)
    finish(run, "each[1]")
    told = [(item.task, item.what) for item in run.story("each")]
    assert told == [
        ("each", "RUNNING"),
        ("each[0]", "RUNNING"),
        ("each[1]", "RUNNING"),
        ("each[1]", "SUCCESS"),
    ]
    assert [item.what for item in run.story("each[1]")] == ["RUNNING", "SUCCESS"]


def test_a_clone_has_a_story_of_its_own():
    run = machine(CHAIN)
    run.start(1.0)
    trial = run.clone()
    finish(trial, "a")
    assert [item.what for item in trial.story("a")] == ["RUNNING", "SUCCESS"]
    assert [item.what for item in run.story("a")] == ["RUNNING"]


def begins_too_early(run):
    run.running.add("c")
    run.records["c"] = replace(run.records["a"], name="c")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (begins_too_early, "'c' began before b was done; its story: none"),
        (lambda run: run.done.add("a"), "'a' is RUNNING, expected SUCCESS; its story: a RUNNING"),
        (lambda run: run.running.clear(), "'a' and all others wait for nothing: the run is stuck"),
        (lambda run: setattr(run, "over", True), "'a' goes on although the run is over"),
        (lambda run: setattr(run, "parallel", 0), "'a' is one of more than 0 that run"),
        (
            lambda run: run.records.update(z=replace(run.records["a"], name="z")),
            "'z' is in no step of the workflow, and RUNNING",
        ),
        (
            lambda run: run.records.update(a=replace(run.records["a"], attempt=3)),
            "'a' counts 3 attempts in 1 launches",
        ),
    ],
)
def test_a_state_that_cannot_be_is_found_and_told(damage, message):
    run = machine(CHAIN)
    run.start(1.0)
    run.validate()
    damage(run)
    with pytest.raises(InternalError, match=message):
        run.validate()
