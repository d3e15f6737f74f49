"""Turns TensorFlow's own operators into TensorFlow Lite's, where one of those means the same.

The converter keeps them for dtypes and forms that LiteRT's runtime lacks (float64, float16, int64);
the lowerings here have no such limits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aios.compiler.graph import Graph, Operator, Rewriter
from aios.compiler.passes.adopt_windows import WINDOWS
from aios.compiler.passes.adopting import Adopt, Adopter, Options
from aios.compiler.passes.subgraphs import map_bodies


def adopt(graph: Graph) -> Graph:
    """Replaces the custom operators that are known; the others stay, and are declined by name."""
    rewriter = Rewriter(graph)
    for source in rewriter:
        op = map_bodies(source, adopt)
        name = op.kind.removeprefix("CUSTOM:").removeprefix("Flex")
        known = op.kind.startswith("CUSTOM:") and _adopted(Adopter(rewriter), op, name)
        if not known:
            rewriter.emit(op)
    return rewriter.finish()


def adopted_operators() -> frozenset[str]:
    """Returns the names of the operators that are known, as TensorFlow has them."""
    return frozenset({*_SAME, *_WITH_ATTRIBUTES, *_RULES, *WINDOWS})


def _adopted(adopter: Adopter, op: Operator, name: str) -> bool:
    """Emits what an operator means, and tells whether that is known."""
    if name in _SAME:
        adopter.emit(_SAME[name], op.inputs, op.outputs)
        return True
    if name in _WITH_ATTRIBUTES:
        kind, options = _WITH_ATTRIBUTES[name]
        adopter.emit(kind, op.inputs, op.outputs, options(dict(op.options)))
        return True
    rule = _RULES.get(name) or WINDOWS.get(name)
    return rule is not None and rule(adopter, op)


# The same inputs and outputs, and no attribute that matters.
_SAME = {
    **{n: n.upper() for n in ("Abs", "Ceil", "Cos", "Div", "Elu", "Equal", "Exp", "Fill", "Floor")},
    **{n: n.upper() for n in ("Log", "Maximum", "Minimum", "Mul", "Neg", "Pow", "Rank", "Relu")},
    **{n: n.upper() for n in ("Relu6", "Reshape", "Round", "Rsqrt", "Shape", "Sign", "Sin", "Sub")},
    **{n: n.upper() for n in ("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cosh", "Erf")},
    **{n: n.upper() for n in ("Erfc", "Expm1", "Inv", "Lgamma", "Log1p", "Selu", "Sinh", "Tan")},
    **{n: n.upper() for n in ("Softplus", "Softsign", "Sqrt", "Square", "Tanh", "Tile", "Cast")},
    **{n: n.upper() for n in ("Range", "Select", "Greater", "Less", "Slice", "Transpose", "Pad")},
    **{n: n.upper() for n in ("Xdivy", "Xlog1py", "Xlogy", "Split", "Atan2", "Bitcast")},
    "Add": "ADD",
    "AddN": "ADD_N",
    "AddV2": "ADD",
    "BitwiseAnd": "BITWISE_AND",
    "BitwiseOr": "BITWISE_OR",
    "BitwiseXor": "BITWISE_XOR",
    "BroadcastArgs": "BROADCAST_ARGS",
    "BroadcastTo": "BROADCAST_TO",
    "DivNoNan": "DIV_NO_NAN",
    "ExpandDims": "EXPAND_DIMS",
    "FloorDiv": "FLOOR_DIV",
    "FloorMod": "FLOOR_MOD",
    "GatherNd": "GATHER_ND",
    "GreaterEqual": "GREATER_EQUAL",
    "Invert": "BITWISE_NOT",
    "IsFinite": "IS_FINITE",
    "IsInf": "IS_INF",
    "IsNan": "IS_NAN",
    "LeftShift": "LEFT_SHIFT",
    "LessEqual": "LESS_EQUAL",
    "LogSoftmax": "LOG_SOFTMAX",
    "LogicalAnd": "LOGICAL_AND",
    "LogicalNot": "LOGICAL_NOT",
    "LogicalOr": "LOGICAL_OR",
    "MatrixDiag": "MATRIX_DIAG",
    "MatrixSetDiag": "MATRIX_SET_DIAG",
    "Mod": "TRUNCATE_MOD",
    "MulNoNan": "MUL_NO_NAN",
    "NotEqual": "NOT_EQUAL",
    "OnesLike": "ONES_LIKE",
    "PadV2": "PADV2",
    "RealDiv": "DIV",
    "Reciprocal": "INV",
    "ReverseV2": "REVERSE_V2",
    "RightShift": "RIGHT_SHIFT",
    "Rint": "ROUND",
    "ScatterNd": "SCATTER_ND",
    "SegmentSum": "SEGMENT_SUM",
    "SelectV2": "SELECT_V2",
    "Sigmoid": "LOGISTIC",
    "Softmax": "SOFTMAX",
    "SplitV": "SPLIT_V",
    "SpaceToBatchND": "SPACE_TO_BATCH_ND",
    "BatchToSpaceND": "BATCH_TO_SPACE_ND",
    "SquaredDifference": "SQUARED_DIFFERENCE",
    "TensorScatterAdd": "TENSOR_SCATTER_ADD",
    "TensorScatterMax": "TENSOR_SCATTER_MAX",
    "TensorScatterMin": "TENSOR_SCATTER_MIN",
    "TensorScatterSub": "TENSOR_SCATTER_SUB",
    "TensorScatterUpdate": "TENSOR_SCATTER_UPDATE",
    "TopKV2": "TOPK_V2",
    "TruncateDiv": "TRUNCATE_DIV",
    "TruncateMod": "TRUNCATE_MOD",
    "UnsortedSegmentMax": "UNSORTED_SEGMENT_MAX",
    "UnsortedSegmentMin": "UNSORTED_SEGMENT_MIN",
    "UnsortedSegmentProd": "UNSORTED_SEGMENT_PROD",
    "UnsortedSegmentSum": "UNSORTED_SEGMENT_SUM",
    "ZerosLike": "ZEROS_LIKE",
}


def _keep_dims(options: Options) -> Options:
    return {"keep_dims": options.get("keep_dims", False)}


def _given(*names: str) -> Callable[[Options], Options]:
    return lambda options: {name: options.get(name, 0) for name in names}


_SLICE_MASKS = ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
_WITH_ATTRIBUTES: dict[str, tuple[str, Callable[[Options], Options]]] = {
    "All": ("REDUCE_ALL", _keep_dims),
    "Any": ("REDUCE_ANY", _keep_dims),
    "ArgMax": ("ARG_MAX", _given()),
    "ArgMin": ("ARG_MIN", _given()),
    "BatchMatMul": ("BATCH_MATMUL", _given("adj_x", "adj_y")),
    "BatchMatMulV2": ("BATCH_MATMUL", _given("adj_x", "adj_y")),
    "BatchMatMulV3": ("BATCH_MATMUL", _given("adj_x", "adj_y")),
    "Bucketize": ("BUCKETIZE", _given("boundaries")),
    "Cumprod": ("CUMPROD", _given("exclusive", "reverse")),
    "Cumsum": ("CUMSUM", _given("exclusive", "reverse")),
    "CumulativeLogsumexp": ("CUMULATIVE_LOGSUMEXP", _given("exclusive", "reverse")),
    "DenseBincount": ("DENSE_BINCOUNT", _given("binary_output")),
    "LeakyRelu": ("LEAKY_RELU", _given("alpha")),
    "MatMul": (
        "BATCH_MATMUL",
        lambda a: {"adj_x": a.get("transpose_a", False), "adj_y": a.get("transpose_b", False)},
    ),
    "Max": ("REDUCE_MAX", _keep_dims),
    "Mean": ("MEAN", _keep_dims),
    "Min": ("REDUCE_MIN", _keep_dims),
    "MirrorPad": ("MIRROR_PAD", lambda a: {"mode": int(a.get("mode") == "SYMMETRIC")}),
    "OneHot": ("ONE_HOT", _given("axis")),
    "Pack": ("PACK", _given("axis")),
    "Prod": ("REDUCE_PROD", _keep_dims),
    "ReverseSequence": ("REVERSE_SEQUENCE", _given("batch_dim", "seq_dim")),
    "Squeeze": ("SQUEEZE", _given("squeeze_dims")),
    "StridedSlice": ("STRIDED_SLICE", _given(*(f"{name}_mask" for name in _SLICE_MASKS))),
    "Sum": ("SUM", _keep_dims),
    "Unpack": ("UNPACK", _given("axis")),
}


def _identity(adopter: Adopter, op: Operator) -> bool:
    adopter.emit("RESHAPE", op.inputs[:1], op.outputs[:1])
    return True


def _concatenation(adopter: Adopter, op: Operator) -> bool:
    axis = adopter.constant(op.inputs[-1])
    if axis is None:
        return False
    adopter.emit("CONCATENATION", op.inputs[:-1], op.outputs, {"axis": int(axis.item())})
    return True


def _gather(adopter: Adopter, op: Operator) -> bool:
    axis = adopter.constant(op.inputs[2]) if len(op.inputs) > 2 else None
    if axis is None and len(op.inputs) > 2:
        return False
    options = {
        "axis": 0 if axis is None else int(axis.item()),
        "batch_dims": op.options.get("batch_dims", 0),
    }
    adopter.emit("GATHER", op.inputs[:2], op.outputs, options)
    return True


def _clip(adopter: Adopter, op: Operator) -> bool:
    value, low, high = op.inputs
    below = adopter.like(op.outputs[0])
    adopter.emit("MINIMUM", (value, high), (below,))
    adopter.emit("MAXIMUM", (below, low), op.outputs)
    return True


def _bias(adopter: Adopter, op: Operator) -> bool:
    if op.options.get("data_format", "NHWC") != "NHWC":
        return False
    adopter.emit("ADD", op.inputs, op.outputs)
    return True


def _diagonal(name: str) -> Adopt:
    """A matrix operator of version 3, where it does what the one of version 1 does."""

    def rule(adopter: Adopter, op: Operator) -> bool:
        place = {"MATRIX_DIAG_PART": 1, "MATRIX_DIAG": 1, "MATRIX_SET_DIAG": 2}[name]
        diagonals = adopter.constant(op.inputs[place])
        sizes = [adopter.constant(i) for i in op.inputs[2:4]] if name == "MATRIX_DIAG" else []
        square = all(s is not None and int(s.item()) == -1 for s in sizes)
        if diagonals is None or diagonals.any() or not square:
            return False
        adopter.emit(name, op.inputs[:place], op.outputs)
        return True

    return rule


def _band(adopter: Adopter, op: Operator) -> bool:
    bounds = [adopter.constant(i) for i in op.inputs[1:]]
    shape = adopter.tensor(op.inputs[0]).shape
    if any(b is None for b in bounds) or -1 in shape[-2:]:
        return False
    lower, upper = (int(b.item()) for b in bounds if b is not None)
    rows, columns = np.indices(shape[-2:])
    below = (lower < 0) | (rows - columns <= lower)
    above = (upper < 0) | (columns - rows <= upper)
    mask = adopter.add_constant(below & above)
    zero = adopter.add_constant(np.zeros((), adopter.tensor(op.outputs[0]).dtype))
    adopter.emit("SELECT_V2", (mask, op.inputs[0], zero), op.outputs)
    return True


def _length(adopter: Adopter, op: Operator) -> bool:
    squares, total = adopter.like(op.inputs[0]), adopter.like(op.outputs[0])
    adopter.emit("SQUARE", op.inputs[:1], (squares,))
    adopter.emit("SUM", (squares, op.inputs[1]), (total,), _keep_dims(op.options))
    adopter.emit("SQRT", (total,), op.outputs)
    return True


_RULES: dict[str, Adopt] = {
    **dict.fromkeys(
        ("CheckNumerics", "EnsureShape", "Identity", "PreventGradient", "Snapshot", "StopGradient"),
        _identity,
    ),
    "BiasAdd": _bias,
    "ClipByValue": _clip,
    "ConcatV2": _concatenation,
    "EuclideanNorm": _length,
    "Gather": _gather,
    "GatherV2": _gather,
    "MatrixBandPart": _band,
    "MatrixDiagPartV3": _diagonal("MATRIX_DIAG_PART"),
    "MatrixDiagV3": _diagonal("MATRIX_DIAG"),
    "MatrixSetDiagV3": _diagonal("MATRIX_SET_DIAG"),
}
