"""The run machine is pure: these tests drive it without threads, clocks or disks."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aios.errors import InternalError
from aios.home.codec import ValueRef
from aios.workflow.execution.run_events import (
    Complete,
    Conflicted,
    Failed,
    Finished,
    Launch,
    Record,
    RetryDue,
    RetryLater,
)
from aios.workflow.execution.run_machine import MAX_INTERRUPTIONS, Hashes, RunMachine
from aios.workflow.steps import Plan, Step


def machine(steps, records=None, code=None, data="d"):
    plan = Plan.of(steps)
    hashes = Hashes(
        {name: (code or {}).get(name, f"code of {name}") for name in plan.steps},
        {name: {"python": "3"} for name in plan.steps},
        data,
    )
    return RunMachine(plan, hashes, dict(records or {}))


def a():
    return 1


def b(a):
    return a


def c(b):
    return b


def side(a):
    return a


CHAIN = [Step(a), Step(b), Step(c)]


def launches(instructions):
    return [item.task for item in instructions if isinstance(item, Launch)]


def value(text, count=None):
    return ValueRef(f"sha of {text}", text, None, count)


def finish(run, task, output="out", count=None):
    event = Finished(task, run.records[task].launches, value(output, count), 0.1)
    return run.handle(event, 2.0)


def fail(run, task, final=False):
    error = {"type": "ValueError", "code": 2, "message": "no"}
    return run.handle(Failed(task, run.records[task].launches, error, 0.1, final), 2.0)


def run_all(run, outputs=None):
    """Drive to the end; returns the tasks as they were launched, and the last instruction."""
    pending, order, last = run.start(1.0), [], None
    while pending:
        queue = [item for item in pending if isinstance(item, Launch)]
        last = pending[-1]
        pending = []
        for launch in queue:
            order.append(launch.task)
            pending += finish(run, launch.task, (outputs or {}).get(launch.task, launch.task))
    return order, last


def test_steps_are_launched_when_what_they_wait_for_is_done():
    run = machine([*CHAIN, Step(side)])
    assert launches(run.start(1.0)) == ["a"]
    assert launches(finish(run, "a")) == ["b", "side"]
    assert launches(finish(run, "side")) == []
    assert launches(finish(run, "b")) == ["c"]
    assert finish(run, "c")[-1] == Complete("SUCCESS")


def test_a_failed_step_is_retried_with_growing_pauses_and_then_fails_the_run():
    run = machine([Step(a, retries=2, backoff_s=0.5), Step(b)])
    run.start(1.0)
    assert fail(run, "a")[-1] == RetryLater("a", 0.5)
    assert launches(run.handle(RetryDue("a"), 3.0)) == ["a"]
    assert fail(run, "a")[-1] == RetryLater("a", 1.0)
    run.handle(RetryDue("a"), 4.0)
    complete = fail(run, "a")[-1]
    assert complete.status == "FAILED"
    assert complete.error["step"] == "a"
    assert run.records["a"].attempt == 3


def test_a_final_failure_is_not_retried():
    run = machine([Step(a, retries=5)])
    run.start(1.0)
    assert fail(run, "a", final=True)[-1].status == "FAILED"


def test_a_failure_cancels_what_still_runs():
    run = machine([*CHAIN, Step(side)])
    run.start(1.0)
    finish(run, "a")
    fail(run, "side")
    assert run.records["b"].status == "CANCELLED"
    assert finish(run, "b") == []


def test_events_of_an_earlier_launch_are_ignored():
    run = machine([Step(a, retries=1)])
    run.start(1.0)
    stale = Finished("a", 1, value("late"), 0.1)
    fail(run, "a")
    run.handle(RetryDue("a"), 2.0)
    assert run.handle(stale, 3.0) == []
    assert run.records["a"].status == "RUNNING"


def test_a_conflict_launches_again_without_counting_as_a_retry():
    run = machine([Step(a)])
    run.start(1.0)
    (record, launch) = run.handle(Conflicted("a", 1), 2.0)
    assert isinstance(record, Record)
    assert (launch.launch, launch.attempt) == (2, 1)


def test_finished_steps_are_used_again_after_a_restart():
    first = machine(CHAIN)
    first.start(1.0)
    finish(first, "a")
    again = machine(CHAIN, first.records)
    assert launches(again.start(2.0)) == ["b"]
    assert again.records["b"].reason == "interrupted"


def test_a_code_edit_runs_the_step_and_its_dependants_again_and_says_why():
    first = machine([*CHAIN, Step(side)])
    run_all(first)
    again = machine([*CHAIN, Step(side)], first.records, code={"b": "edited"})
    order, last = run_all(again)
    assert order == ["b", "c"]
    assert last == Complete("SUCCESS")
    assert again.records["b"].reason == "its code changed"
    assert again.records["c"].reason == "b ran again"
    assert again.records["a"].launches == 1


def test_a_change_of_data_runs_again_what_reads_it():
    def reads(data):
        return data

    first = machine([Step(reads), Step(a)])
    run_all(first)
    again = machine([Step(reads), Step(a)], first.records, data="other")
    assert run_all(again)[0] == ["reads"]
    assert again.records["reads"].reason == "input data changed"


def test_an_input_that_came_out_differently_is_named():
    first = machine(CHAIN)
    run_all(first)
    records = dict(first.records)
    records.pop("a")
    again = machine(CHAIN, records)
    order, _ = run_all(again, {"a": "another value"})
    assert order == ["a", "b", "c"]
    assert again.records["b"].reason == "input a changed"


def test_a_changed_plan_never_strands_a_run():
    first = machine(CHAIN)
    first.start(1.0)
    finish(first, "a")

    def new(a):
        return a

    again = machine([Step(a), Step(new)], first.records)
    order, last = run_all(again)
    assert order == ["new"]
    assert last == Complete("SUCCESS")
    assert again.records["b"].status == "RETIRED"


def test_fan_out_runs_once_per_element_and_collects_in_order():
    def many():
        return [1, 2, 3]

    run = machine(
        [
            Step(many),
            Step(lambda many: many, name="each", over="many"),
            Step(lambda each: each, name="end"),
        ]
    )
    run.start(1.0)
    assert launches(finish(run, "many", "list", count=3)) == ["each[0]", "each[1]", "each[2]"]
    finish(run, "each[2]", "z")
    finish(run, "each[0]", "x")
    assert launches(finish(run, "each[1]", "y")) == ["end"]
    parts = [item["$value"]["sha256"] for item in run.records["each"].output["inline"]]
    assert parts == ["sha of x", "sha of y", "sha of z"]


def test_fan_out_over_nothing_is_an_empty_list():
    run = machine(
        [Step(lambda: [], name="many"), Step(lambda many: many, name="each", over="many")]
    )
    run.start(1.0)
    assert finish(run, "many", "list", count=0)[-1] == Complete("SUCCESS")
    assert run.records["each"].output["count"] == 0


def test_fan_out_goes_on_with_the_elements_that_are_missing():
    steps = [Step(lambda: [], name="many"), Step(lambda many: many, name="each", over="many")]
    first = machine(steps)
    first.start(1.0)
    finish(first, "many", "list", count=3)
    finish(first, "each[1]")
    again = machine(steps, first.records)
    assert launches(again.start(2.0)) == ["each[0]", "each[2]"]


def test_elements_that_are_no_more_are_retired():
    steps = [Step(lambda: [], name="many"), Step(lambda many: many, name="each", over="many")]
    first = machine(steps)
    first.start(1.0)
    finish(first, "many", "list", count=3)
    for index in range(3):
        finish(first, f"each[{index}]")
    again = machine(steps, first.records, code={"many": "edited"})
    again.start(2.0)
    assert launches(finish(again, "many", "shorter", count=1)) == ["each[0]"]
    finish(again, "each[0]")
    statuses = [again.records[f"each[{index}]"].status for index in range(3)]
    assert statuses == ["SUCCESS", "RETIRED", "RETIRED"]
    assert again.over


def test_fan_out_over_something_else_says_what_was_expected():
    run = machine([Step(a), Step(lambda a: a, name="each", over="a")])
    run.start(1.0)
    complete = finish(run, "a", count=None)[-1]
    assert complete.status == "FAILED"
    assert "expected a list" in complete.error["message"]


def test_at_most_parallel_tasks_run_at_once():
    steps = [Step(lambda: [], name="many"), Step(lambda many: many, name="each", over="many")]
    run = machine(steps)
    run.parallel = 2
    run.start(1.0)
    assert len(launches(finish(run, "many", "list", count=5))) == 2
    assert launches(finish(run, "each[0]")) == ["each[2]"]


def test_a_retry_that_is_due_waits_for_its_turn():
    steps = [
        Step(lambda: [], name="many"),
        Step(lambda many: many, name="each", over="many", retries=1),
    ]
    run = machine(steps)
    run.parallel = 2
    run.start(1.0)
    finish(run, "many", "list", count=3)
    assert launches(fail(run, "each[0]")) == ["each[2]"]
    assert run.handle(RetryDue("each[0]"), 2.0) == []
    assert launches(finish(run, "each[1]")) == ["each[0]"]


def test_a_step_that_kills_its_manager_each_time_fails_in_the_end():
    records, statuses = {}, []
    for _ in range(MAX_INTERRUPTIONS + 2):
        run = machine([Step(a)], records)
        last = run.start(1.0)[-1]
        records = run.records
        statuses.append(getattr(last, "status", "LAUNCH"))
    assert statuses[-1] == "FAILED"
    assert statuses[0] == "LAUNCH"


def test_a_failed_run_goes_on_at_the_failed_step():
    first = machine(CHAIN)
    first.start(1.0)
    finish(first, "a")
    fail(first, "b")
    again = machine(CHAIN, first.records)
    assert launches(again.start(2.0)) == ["b"]
    assert again.records["b"].attempt == 1
    assert again.records["b"].reason == "resumed after a failure"


@given(st.data())
def test_any_plan_completes_in_any_order_of_events_with_kills_between(data):
    """Each step succeeds, and none begins before its inputs are there."""
    size = data.draw(st.integers(1, 6))
    edges = {
        number: data.draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        for number in range(size)
    }
    steps = [
        Step(lambda: 0, name=f"s{n}", after=tuple(f"s{m}" for m in edges[n])) for n in range(size)
    ]
    run = machine(steps)
    running = launches(run.start(0.0))
    done = []
    for _ in range(200):
        if not running:
            break
        if data.draw(st.booleans()):
            run = machine(steps, run.records)
            running = launches(run.start(0.0))
        task = running.pop(data.draw(st.integers(0, len(running) - 1)))
        assert all(f"s{m}" in done for m in edges[int(task[1:])])
        done.append(task)
        running += launches(finish(run, task))
    assert sorted(done) == sorted(f"s{n}" for n in range(size))
    assert run.over


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
