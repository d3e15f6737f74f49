"""Plans for run machines, and what happens to them."""

from aios.home.codec import ValueRef
from aios.workflow.execution.run_events import Failed, Finished, Launch
from aios.workflow.execution.run_machine import Hashes, RunMachine
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
