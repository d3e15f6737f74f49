"""What the rules that adopt TensorFlow's operators work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from aios.compiler.graph import MISSING, Array, Operator, Rewriter, Tensor

Options = Mapping[str, Any]


class Adopter:
    """Emits the operators that stand for one of TensorFlow's."""

    def __init__(self, rewriter: Rewriter) -> None:
        self._rewriter = rewriter

    def emit(
        self,
        kind: str,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        options: Options | None = None,
    ) -> None:
        """Appends an operator."""
        self._rewriter.emit(Operator(kind, inputs, outputs, options or {}))

    def tensor(self, index: int) -> Tensor:
        """Returns a tensor."""
        return self._rewriter.tensors[index]

    def constant(self, index: int) -> Array | None:
        """Returns a tensor's value when it is a constant."""
        return None if index == MISSING else self._rewriter.tensors[index].data

    def like(self, index: int, shape: tuple[int, ...] | None = None) -> int:
        """Adds a tensor of another one's dtype, and its shape unless one is given."""
        tensor = self._rewriter.tensors[index]
        fresh = replace(tensor, data=None, shape=tensor.shape if shape is None else shape)
        return self._rewriter.add_tensor(fresh)

    def add_constant(self, data: Array) -> int:
        """Adds a constant."""
        return self._rewriter.add_constant(data)

    def transposed(self, index: int, order: tuple[int, ...]) -> int:
        """Adds a tensor with its axes in another order; a constant stays one."""
        tensor = self.tensor(index)
        if tensor.data is not None:
            return self.add_constant(np.ascontiguousarray(tensor.data.transpose(order)))
        turned = self.like(index, tuple(tensor.shape[a] for a in order))
        self.emit("TRANSPOSE", (index, self.add_constant(np.asarray(order, np.int32))), (turned,))
        return turned


# Emits what an operator means, and tells whether that is known.
Adopt = Callable[[Adopter, Operator], bool]
