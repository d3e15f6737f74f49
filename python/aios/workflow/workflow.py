"""A workflow: a name and its steps, yours or the standard ones from data to deployment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aios.home.names import check_name
from aios.workflow.gates import Gates
from aios.workflow.steps import Plan, Step


@dataclass(repr=False, frozen=True, slots=True, kw_only=True, eq=False)
class Workflow:
    """What `register_workflow` takes.

    Args:
        id: its name, also the name under which the standard pipeline registers models.
        training: an `aios.TrainingConfig`; None: its defaults.
        model: `build_model() -> keras.Model`, or "module:qualname"; None: the default network for
            the data.
        gates: limits of the standard pipeline.
        steps: your own steps instead of the standard ones.
        export: more keyword arguments for `aios.export`, such as {"engines": ["litert"]}.
        alias: what the deploy step promotes the new version to.
        timeout_s: the time limit of the training step; None: none.
    """

    id: str
    training: Any = None
    model: Callable[[], Any] | str | None = None
    gates: Gates = field(default_factory=Gates)
    steps: Iterable[Step | Callable[..., Any]] | None = None
    export: dict[str, Any] = field(default_factory=dict)
    alias: str = "champion"
    timeout_s: float | None = None
    plan: Plan = field(init=False)

    def __repr__(self) -> str:
        return f"<Workflow {self.id}: {' → '.join(self.plan.steps)}>"

    def __post_init__(self) -> None:
        check_name("workflow id", self.id)
        steps = self.steps
        if steps is None:
            from aios.workflow.pipeline.standard import standard_steps

            steps = standard_steps(self)
        object.__setattr__(self, "plan", Plan.of(steps))
