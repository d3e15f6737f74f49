"""What a step keeps: the states that layers ask for while the step is being made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aios.bundle.records import StateRecord


@dataclass(slots=True)
class StepStates:
    """The states so far, which the rules of layers add to, and the calls of the user's layers.

    Attributes:
        inputs: A Keras tensor for each state.
        outputs: Its next value.
        records: The names of both.
    """

    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    records: list[StateRecord] = field(default_factory=list)
    called: dict[int, tuple[Any, int]] = field(default_factory=dict)

    def state(self, layer: Any, shape: tuple[int, ...], dtype: str) -> Any:
        """A new state of a layer; `shape` is without the batch. `keep` must follow."""
        import keras

        count = sum(record.layer == layer.name for record in self.records)
        names = f"{layer.name}_state_{count}", f"{layer.name}_next_{count}"
        self.records.append(StateRecord(*names, layer.name))
        self.inputs.append(keras.Input(shape, dtype=dtype, name=names[0]))
        return self.inputs[-1]

    def keep(self, *values: Any) -> None:
        """The next values of the states that have none yet, in order."""
        self.outputs += values

    def call(self, layer: Any, *arguments: Any, **options: Any) -> Any:
        """Calls a layer of the user's, which forgets that in the end."""
        self.called.setdefault(id(layer), (layer, len(layer._inbound_nodes)))
        return layer(*arguments, **options)

    def forget_calls(self) -> None:
        """Leaves the user's layers as they were."""
        for layer, count in self.called.values():
            del layer._inbound_nodes[count:]
