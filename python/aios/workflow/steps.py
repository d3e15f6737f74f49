"""Steps: plain functions with what a durable run needs to know about them.

A step's parameters say what it reads: the name of another step is that step's result, `data` the
run's input, `context` the step's own `StepContext`. Everything else needs a default or a constant.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, overload

from aios.errors import InvalidArgumentError

_RESERVED: Final = ("data", "context")


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One durable unit of a workflow; calling it calls the function.

    Args:
        function: the work; a plain function.
        name: how the run's record names it; the function's name by default.
        retries: how often it may run again after an exception.
        timeout_s: after this time the attempt fails with `DeadlineExceededError`; a thread can't be
            killed, so its result is dropped when it ends, but an isolated step's processes are.
        backoff_s: the pause before the first retry; it doubles each time, up to a minute.
        needs: parameter → step, where the two names differ.
        after: steps to wait for without reading their result.
        over: a parameter to fan out over: the step runs once per element of the list given there,
            on the thread pool, and its result is the list of results.
        isolated: run in a child process, so that a crash or a lack of memory is a failed step. A
            text names the process: isolated steps of a run that give the same one share it, and
            what it has imported.
        durable: its commit is on the disk (`synchronous=FULL`) before the run goes on.
        packages: distributions whose versions belong to its cache key, such as "keras".
        constants: fixed values for parameters; functions among them travel to a child process.
        version: part of the cache key, for what can't be seen in the code: change it to run the
            step again.
    """

    function: Callable[..., Any]
    name: str = ""
    retries: int = 0
    timeout_s: float | None = None
    backoff_s: float = 0.5
    needs: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    over: str | None = None
    isolated: bool | str = False
    durable: bool = False
    packages: tuple[str, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", getattr(self.function, "__name__", ""))
        if not self.name.isidentifier() or self.name in _RESERVED:
            raise InvalidArgumentError(
                f"step name: expected an identifier other than {', '.join(_RESERVED)} such as"
                f" 'train', got {self.name!r}; pass name='…'"
            )
        if inspect.iscoroutinefunction(self.function):
            raise InvalidArgumentError(
                f"step '{self.name}': expected a plain function, got a coroutine function;"
                " call asyncio.run inside it"
            )
        if self.retries < 0:
            raise InvalidArgumentError(
                f"step '{self.name}': retries must be 0 or more, got {self.retries}"
            )
        if self.timeout_s is not None and self.timeout_s <= 0:
            raise InvalidArgumentError(
                f"step '{self.name}': timeout_s must be above 0, such as 600, got {self.timeout_s}"
            )

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function, as in a test of it."""
        return self.function(*arguments, **named)

    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The function's parameters by name."""
        return inspect.signature(self.function).parameters


@overload
def step(function: Callable[..., Any]) -> Step: ...
@overload
def step(**options: Any) -> Callable[[Callable[..., Any]], Step]: ...


def step(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Make a function a `Step`: `@step`, or `@step(retries=2, timeout_s=600)`; see `Step`."""
    if function is None:
        return functools.partial(_make, options)
    return _make(options, function)


def _make(options: dict[str, Any], function: Callable[..., Any]) -> Step:
    unknown = set(options) - set(Step.__dataclass_fields__)
    if unknown:
        known = sorted(set(Step.__dataclass_fields__) - {"function"})
        raise InvalidArgumentError(
            f"@step: unknown option {sorted(unknown)[0]!r}; options are {', '.join(known)}"
        )
    if "after" in options and isinstance(options["after"], str):
        options = {**options, "after": (options["after"],)}
    return Step(function, **options)


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order that respects their dependencies.

    `inputs[step]` maps each parameter fed by a step to that step; `waits[step]` is all it waits
    for.
    """

    steps: Mapping[str, Step]
    inputs: Mapping[str, Mapping[str, str]]
    waits: Mapping[str, frozenset[str]]

    @staticmethod
    def of(items: Iterable[Step | Callable[..., Any]]) -> Plan:
        """Order `items`; plain functions become steps.

        Raises:
            InvalidArgumentError: no step, two of one name, a cycle, or a parameter that nothing
                feeds.
        """
        steps: dict[str, Step] = {}
        for item in items:
            made = item if isinstance(item, Step) else Step(item)
            if made.name in steps:
                raise InvalidArgumentError(f"two steps are named '{made.name}'; names are unique")
            steps[made.name] = made
        if not steps:
            raise InvalidArgumentError("a workflow needs at least one step")
        inputs = {name: _inputs(made, steps) for name, made in steps.items()}
        waits = {
            name: frozenset(inputs[name].values()) | _after(made, steps)
            for name, made in steps.items()
        }
        try:
            order = tuple(TopologicalSorter(waits).static_order())
        except CycleError as error:
            raise InvalidArgumentError(
                f"steps wait for each other: {' → '.join(reversed(error.args[1]))}; break the cycle"
            ) from None
        return Plan({name: steps[name] for name in order}, inputs, waits)


def _inputs(made: Step, steps: Mapping[str, Step]) -> dict[str, str]:
    found: dict[str, str] = {}
    for parameter in made.parameters().values():
        source = made.needs.get(parameter.name, parameter.name)
        if parameter.name in made.constants or parameter.name in _RESERVED:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if source in steps:
            found[parameter.name] = source
        elif parameter.name in made.needs or parameter.default is inspect.Parameter.empty:
            raise InvalidArgumentError(
                f"step '{made.name}': nothing feeds its parameter '{parameter.name}'; expected"
                f" data, context, or one of the steps {', '.join(sorted(steps))}"
            )
    if made.over is not None and found.get(made.over) is None:
        raise InvalidArgumentError(
            f"step '{made.name}': over='{made.over}' must name a parameter fed by a step"
        )
    return found


def _after(made: Step, steps: Mapping[str, Step]) -> frozenset[str]:
    for name in made.after:
        if name not in steps:
            raise InvalidArgumentError(
                f"step '{made.name}': after='{name}' names no step; steps:"
                f" {', '.join(sorted(steps))}"
            )
    return frozenset(made.after)
