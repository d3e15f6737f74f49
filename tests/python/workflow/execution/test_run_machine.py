"""The run machine is pure: these tests drive it without threads, clocks or disks."""

from hypothesis import given
from hypothesis import strategies as st
from run_machines import CHAIN, a, b, fail, finish, launches, machine, run_all, side, value

from aios.workflow.execution.run_events import (
    Complete,
    Conflicted,
    Finished,
    Record,
    RetryDue,
    RetryLater,
)
from aios.workflow.execution.run_machine import MAX_INTERRUPTIONS
from aios.workflow.steps import Step


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
