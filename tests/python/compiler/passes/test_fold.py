"""What is known at compile time is computed then."""

from __future__ import annotations

import numpy as np

from aios.compiler.graph import Graph, Operator, Tensor
from aios.compiler.passes import optimise

FLOAT = np.dtype(np.float32)


def test_a_dropout_of_rate_0_keeps_everything() -> None:
    shape = Tensor("shape", (2,), np.dtype(np.int32), np.array([1, 4], np.int32))
    for rate, drawn_left in ((0.0, False), (0.5, True)):
        zero = Tensor("rate", (), FLOAT, np.float32(rate))
        kept = Tensor("kept", (1, 4), np.dtype(np.bool_))
        x, drawn, y = (Tensor(name, (1, 4), FLOAT) for name in ("x", "drawn", "y"))
        graph = Graph(
            (x, shape, zero, drawn, kept, y),
            (
                Operator("RANDOM_UNIFORM", (1,), (3,)),
                Operator("GREATER_EQUAL", (3, 2), (4,)),
                Operator("SELECT_V2", (4, 0, 2), (5,)),
            ),
            (0,),
            (5,),
        )
        kinds = [operator.kind for operator in optimise(graph).operators]
        assert ("RANDOM_UNIFORM" in kinds) == drawn_left
