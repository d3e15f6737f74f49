"""FULLY_CONNECTED and SOFTMAX."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from aios.compiler.attributes import Fused, fused
from aios.compiler.graph import MISSING, Array, Operator
from aios.compiler.lowering.core import (
    DeclineError,
    Lowerer,
    ctype,
    is_float32,
    lowers,
    require_float32,
    summary,
)
from aios.compiler.lowering.epilogue import epilogue
from aios.compiler.packing import (
    narrow_pays,
    pack_dense,
    pack_narrow,
    pack_strassen,
    strassen_pays,
    strassen_scratch_floats,
)
from aios.compiler.program import Packed, Scratch, Shared, Work

# Row blocks into which a layer of few columns is cut for threads.
_ROW_BLOCKS = 4


def constant_product(lowerer: Lowerer, op: Operator, weights: Array, bias: Array | None) -> None:
    """Lowers rows of the first input times constant `weights` [columns, depth], and the epilogue.

    Large ones go by Strassen's algorithm, with an eighth fewer multiply-adds; those with few
    columns have their lanes along the depth.
    """
    columns, depth = weights.shape
    rows = lowerer.tensor(op.inputs[0]).size // depth
    lanes = lowerer.machine.lanes
    activation, residual = epilogue(lowerer, op)
    types = f"{activation}{residual.template}"
    count = rows * columns * depth
    lowerer.work = lowerer.work.plus(Work(single_rows=count) if rows == 1 else Work(other=count))
    sizes = f"{rows}, {depth}, {columns}"
    outputs: list[int | Scratch] = [op.outputs[0]]
    exact = lowerer.machine.exact or fused(op).exact
    shared: Shared | None
    if narrow_pays(depth, columns, lanes=lanes):
        function, header = f"narrow<{sizes}, {types}>", "narrow.hpp"
        packed = pack_narrow(weights, bias, lanes=lanes)
        shared = None
    elif not exact and strassen_pays(rows, depth, columns, lanes=lanes):
        shape = f"StrassenShape<{sizes}>"
        function, header = f"strassen<{shape}, {types}>", "strassen.hpp"
        packed = pack_strassen(weights, bias, lanes=lanes)
        floats = strassen_scratch_floats(rows, depth, lanes=lanes)
        outputs.append(Scratch(4 * floats, f"kStrassenScratch<{shape}>"))
        added = "{4}" if residual.operands else "nullptr"
        piece = f"strassenRange<{shape}, {types}>({{0}}, {{1}}, {{2}}, {{3}}, {added}, begin, end)"
        shared = Shared(f"kStrassenTasks<{shape}>", piece, count, own_scratch=True)
    else:
        function, header = f"dense<{sizes}, {types}>", "dense.hpp"
        packed = pack_dense(weights, bias, lanes=lanes)
        added = "{3}" if residual.operands else "nullptr"
        shared = _share_dense((rows, depth, columns), types, added)
    lowerer.call(
        function,
        [op.inputs[0], Packed(packed)],
        outputs,
        comment=summary(lowerer, op),
        header=header,
        tail=residual.operands,
        shared=shared,
    )


def _share_dense(sizes: tuple[int, int, int], epilogue_types: str, residual: str) -> Shared | None:
    """Says how threads share a dense layer: by panels of columns, or by rows when there are few.

    `residual` is the residual's operand in braces, or nullptr.
    """
    rows, depth, columns = sizes
    if rows == 1:
        return None
    block = rows // _ROW_BLOCKS
    added = residual
    if columns < 128 and block >= 16 and rows % _ROW_BLOCKS == 0:
        if residual != "nullptr":
            added = f"{residual} + i * {block * columns}"
        return Shared(
            f"{_ROW_BLOCKS}",
            f"for (int i = begin; i < end; ++i) dense<{block}, {depth}, {columns}, "
            f"{epilogue_types}>({{0}} + i * {block * depth}, {{1}}, "
            f"{{2}} + i * {block * columns}, {added})",
            rows * depth * columns,
        )
    return Shared(
        f"kDenseTasks<{columns}>",
        f"denseRange<{rows}, {depth}, {columns}, {epilogue_types}>"
        f"({{0}}, {{1}}, {{2}}, {added}, begin, end)",
        rows * depth * columns,
    )


@lowers("FULLY_CONNECTED")
def fully_connected(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a dense layer over the last axis, with its bias, activation and residual."""
    require_float32(lowerer, op)
    weights = lowerer.graph.constant(op.inputs[1])
    bias = lowerer.graph.constant(op.inputs[2]) if len(op.inputs) > 2 else None
    if weights is None:
        _product_of_activations(lowerer, op)
        return
    if op.options.get("weights_format", 0):
        raise DeclineError("shuffled weights")
    if len(op.inputs) > 2 and op.inputs[2] != MISSING and bias is None:
        raise DeclineError("a bias that is not constant")
    constant_product(lowerer, op, weights, bias)


def _product_of_activations(lowerer: Lowerer, op: Operator) -> None:
    """Lowers a dense layer whose weights are computed, too: a product by a transposed matrix."""
    if fused(op).residual is not None or any(i != MISSING for i in op.inputs[2:]):
        raise DeclineError("weights that are not constant")
    columns, depth = lowerer.tensor(op.inputs[1]).shape
    rows = lowerer.tensor(op.inputs[0]).size // depth
    operands = [lowerer.temporary((rows, depth)), lowerer.temporary((rows, columns))]
    lowerer.alias(operands[0], op.inputs[0])
    product = Operator("BATCH_MATMUL", (operands[0], op.inputs[1]), (operands[1],), {"adj_y": True})
    lowerer.lower(replace(product, attributes=Fused(fused(op).activation)))
    lowerer.alias(op.outputs[0], operands[1])


@lowers("SOFTMAX", "LOG_SOFTMAX")
def softmax(lowerer: Lowerer, op: Operator) -> None:
    """Lowers softmax over the last axis."""
    shape = lowerer.tensor(op.inputs[0]).shape
    columns = shape[-1] if shape else 1
    rows = prod(shape) // columns
    beta = np.float32(op.options.get("beta", 1.0))
    if beta != 1.0:
        raise DeclineError(f"beta {beta}")
    if not is_float32(lowerer, op):
        if ctype(lowerer.tensor(op.inputs[0])) != "double":
            raise DeclineError(f"dtype {lowerer.tensor(op.inputs[0]).dtype.name}")
        logarithm = str(op.kind == "LOG_SOFTMAX").lower()
        function = f"softmaxAny<{rows}, {columns}, {logarithm}>"
        comment = summary(lowerer, op)
        lowerer.call(function, op.inputs[:1], op.outputs, comment=comment, header="any_type.hpp")
        return
    name = "softmax" if op.kind == "SOFTMAX" else "logSoftmax"
    lowerer.call(
        f"{name}<{rows}, {columns}>",
        [op.inputs[0]],
        [op.outputs[0]],
        comment=summary(lowerer, op),
        header="softmax.hpp" if op.kind == "SOFTMAX" else "log_softmax.hpp",
    )
