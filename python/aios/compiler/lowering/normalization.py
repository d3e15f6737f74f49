"""Layer normalisation."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.attributes import LayerNorm
from aios.compiler.lowering.core import DeclineError, Lowerer, lowers, require_float32, summary
from aios.compiler.options import activation_code

if TYPE_CHECKING:
    from aios.compiler.graph import Operator


@lowers("LAYER_NORM")
def layer_norm(lowerer: Lowerer, op: Operator) -> None:
    """Lowers normalisation over the last axis."""
    require_float32(lowerer, op)
    shape = lowerer.tensor(op.inputs[0]).shape
    bits = int(np.float32(op.typed(LayerNorm).epsilon).view(np.uint32))
    lowerer.call(
        f"layerNorm<{prod(shape[:-1])}, {shape[-1]}, {bits}u>",
        op.inputs,
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="layer_norm.hpp",
    )


@lowers("L2_NORMALIZATION")
def l2_normalisation(lowerer: Lowerer, op: Operator) -> None:
    """Lowers division by the length of the last axis."""
    require_float32(lowerer, op)
    if activation_code(op):
        raise DeclineError("a fused activation")
    shape = lowerer.tensor(op.inputs[0]).shape
    lowerer.call(
        f"l2Normalise<{prod(shape[:-1])}, {shape[-1]}>",
        [op.inputs[0]],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="layer_norm.hpp",
    )
