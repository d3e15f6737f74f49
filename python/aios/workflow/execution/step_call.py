"""One attempt's call of its step: inputs are loaded, the function is called, its result stored."""

from __future__ import annotations

from typing import Any

from aios.home.codec import ValueRef, load_element, load_value, store_value
from aios.workflow.execution.processes.parent import ProcessPool, run_isolated
from aios.workflow.execution.run_writer import Attempt, RunDriver
from aios.workflow.steps import Step


def call_step(processes: ProcessPool, driver: RunDriver, attempt: Attempt, step: Step) -> ValueRef:
    """Call the step's function, here or in a child process; returns what it returned, stored.

    Raises:
        Whatever the function raises, and what `load_value` and `store_value` do.
    """
    launch, context, content = attempt.launch, attempt.context, attempt.context.home.content
    references = _inputs(driver, launch.step)
    if step.isolated:
        return run_isolated(processes, step, context, references, launch.index)
    arguments: dict[str, Any] = dict(step.constants)
    for parameter, reference in references.items():
        if parameter == step.over and launch.index is not None:
            arguments[parameter] = load_element(reference, launch.index, content)
        else:
            arguments[parameter] = load_value(reference, content)
    if "context" in step.parameters():
        arguments["context"] = context
    return store_value(step.function(**arguments), content)


def _inputs(driver: RunDriver, name: str) -> dict[str, ValueRef]:
    plan, records = driver.workflow.plan, driver.machine.records
    found = {
        parameter: ValueRef.from_json(records[source].output or {})
        for parameter, source in plan.inputs[name].items()
    }
    if "data" in plan.steps[name].parameters():
        found["data"] = ValueRef.from_json(driver.run.data)
    return found
