"""The call of a step in this process: its inputs are loaded, it is called, its result is stored."""

from __future__ import annotations

from typing import Any

from aios.home.codec import ValueRef, store_value
from aios.workflow.execution.executor import Attempt
from aios.workflow.values import load_element, load_value


def call_here(attempt: Attempt) -> ValueRef:
    """Call the attempt's step in this thread; returns where its result is stored.

    Raises:
        Whatever the function raises, and what `load_value` and `store_value` do.
    """
    step, context, index = attempt.step, attempt.context, attempt.launch.index
    content = context.home.content
    arguments: dict[str, Any] = dict(step.constants)
    for parameter, reference in attempt.inputs().items():
        if parameter == step.over and index is not None:
            arguments[parameter] = load_element(reference, index, content)
        else:
            arguments[parameter] = load_value(reference, content)
    if "context" in step.parameters():
        arguments["context"] = context
    return store_value(step.function(**arguments), content)
