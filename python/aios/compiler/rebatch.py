"""The same graph for another batch size, where every operator treats samples alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aios.compiler.graph import Graph, Operator, Tensor

# Operators on rows: the answer to a sample doesn't depend on the others, and no attribute or
# constant operand speaks of the batch.
_ROWWISE = frozenset(
    {
        *("FULLY_CONNECTED", "SOFTMAX", "LOG_SOFTMAX", "RESHAPE"),
        *("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "ELU", "GELU"),
        *("LOGISTIC", "TANH", "HARD_SWISH", "EXP", "ABS", "NEG", "SQUARE", "SQRT", "RSQRT"),
        *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"),
    }
)


def rebatched(graph: Graph, batch: int, new_batch: int) -> Graph | None:
    """Returns a graph of fixed batch for another one; None where that isn't known to be right.

    Args:
        graph: As read, with `batch` as dimension 0 of every value that isn't constant.
        batch: Its batch.
        new_batch: The batch wanted.
    """
    computed = {*graph.inputs, *(out for op in graph.operators for out in op.outputs)}
    if any(graph.tensors[i].shape[:1] != (batch,) for i in computed):
        return None
    if any(not _is_rowwise(graph, op, computed) for op in graph.operators):
        return None

    def sized(index: int, tensor: Tensor) -> Tensor:
        if index not in computed:
            return tensor
        return replace(tensor, shape=(new_batch, *tensor.shape[1:]))

    return replace(graph, tensors=tuple(sized(i, t) for i, t in enumerate(graph.tensors)))


def _is_rowwise(graph: Graph, op: Operator, computed: set[int]) -> bool:
    if op.kind not in _ROWWISE:
        return False
    if op.kind in ("FULLY_CONNECTED", "RESHAPE"):
        return op.inputs[0] in computed and not computed.intersection(op.inputs[1:])
    # A constant as large as the batch could hold something else for each sample.
    rank = len(graph.tensors[op.outputs[0]].shape)
    constants = [graph.tensors[i].shape for i in op.inputs if i >= 0 and i not in computed]
    return all(len(shape) < rank or shape[0] == 1 for shape in constants)
