"""What passes make of a graph, and where the planner puts it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from aios.compiler.expression import c, simplify, x
from aios.compiler.expression_writer import scalar_struct, vector_struct
from aios.compiler.graph import MISSING, Graph, Operator, Tensor
from aios.compiler.lowering.axes import broadcast_strides, dense_strides, merge_axes
from aios.compiler.passes import optimise
from aios.compiler.planner import plan
from aios.compiler.program import Call, Loop, Program, Scratch, Value
from aios.compiler.reader import read_graph
from aios.compiler.weights import WeightStore

if TYPE_CHECKING:
    from pathlib import Path

FLOAT = np.dtype(np.float32)


def _tensors(*sizes: int) -> tuple[Tensor, ...]:
    return tuple(Tensor(f"t{i}", (n,), FLOAT) for i, n in enumerate(sizes))


def _call(reads: list[Any], writes: list[Any]) -> Call:
    operands = tuple(Value(o) if isinstance(o, int) else o for o in (*reads, *writes))
    return Call("f", operands, frozenset(range(len(reads), len(operands))), "", "x.hpp")


def _program(tensors: tuple[Tensor, ...], *statements: Any, **options: Any) -> Program:
    return Program(Graph(tensors, (), (0,), (len(tensors) - 1,)), statements, options)


def test_planner_reuses_memory_that_nobody_needs_any_more() -> None:
    program = _program(
        _tensors(8, 16, 16, 16, 8),
        _call([0], [1]), _call([1], [2]), _call([2], [3]), _call([3], [4]),
    )  # fmt: skip
    placed = plan(program, frozenset({0, 4}))
    assert placed.offsets == {1: 0, 2: 64, 3: 0}
    assert placed.nbytes == 128


def test_planner_keeps_what_a_later_call_reads() -> None:
    program = _program(
        _tensors(8, 16, 16, 16, 8),
        _call([0], [1]), _call([1], [2]), _call([2], [3]), _call([3, 1], [4]),
    )  # fmt: skip
    placed = plan(program, frozenset({0, 4}))
    assert len({placed.offsets[i] for i in (1, 2, 3)}) == 3


def test_planner_gives_scratch_to_one_call_only() -> None:
    program = _program(
        _tensors(8, 16, 16, 8),
        _call([0], [1, Scratch(1000)]), _call([1], [2, Scratch(1000)]), _call([2], [3]),
    )  # fmt: skip
    placed = plan(program, frozenset({0, 3}))
    assert set(placed.scratch) == {(0, 2), (1, 2)}
    assert placed.nbytes < 2 * 1024 + 128
    for key, offset in placed.scratch.items():
        mine = placed.offsets[1 if key[0] == 0 else 2]
        assert not offset <= mine < offset + 1000


def test_planner_keeps_states_for_the_whole_loop() -> None:
    body = (_call([1], [2]), _call([2], [3]), _call([3], [1]))
    program = _program(
        _tensors(8, 16, 16, 16, 8), _call([0], [1]), Loop(3, body, ""), _call([1], [4])
    )
    placed = plan(program, frozenset({0, 4}))
    assert placed.offsets[1] not in (placed.offsets[2], placed.offsets[3])


def test_planner_keeps_what_a_loop_reads_in_each_trip() -> None:
    body = (_call([1], [2]), _call([2], [3]), _call([3], [4]))
    program = _program(_tensors(8, 16, 16, 16, 16, 8), _call([0], [1]), Loop(3, body, ""))
    placed = plan(program, frozenset({0, 5}))
    assert all(placed.offsets[1] != placed.offsets[i] for i in (2, 3, 4))
    assert placed.offsets[2] == placed.offsets[4]


def test_equal_constants_are_stored_once_and_aligned(tmp_path: Path) -> None:
    store = WeightStore()
    first = store.add(np.arange(3, dtype=np.float32))
    second = store.add(np.arange(20, dtype=np.float32))
    again = store.add(np.arange(3, dtype=np.float32).copy())
    assert (first, second, again) == (0, 64, 0)
    store.write(tmp_path / "weights.bin")
    content = (tmp_path / "weights.bin").read_bytes()
    assert store.nbytes == len(content) == 64 + 128
    assert np.array_equal(np.frombuffer(content[64:144], np.float32), np.arange(20))
    assert store.sha256() == hashlib.sha256(content).hexdigest()


def test_axes_merge_when_every_operand_walks_them_as_one() -> None:
    shape = (2, 1, 3, 4)
    sizes, steps = merge_axes(shape, dense_strides(shape), broadcast_strides((3, 4), shape))
    assert sizes == (2, 12)
    assert steps == [(12, 1), (0, 1)]
    sizes, steps = merge_axes((2, 3), (3, 1), (1, 2))
    assert sizes == (2, 3)
    assert merge_axes((1, 1), (1, 1))[0] == (1,)


def test_softplus_is_put_back_together() -> None:
    written = ("log", ("add", ("exp", x(0)), c(1.0)))
    assert simplify(written) == ("softplus", x(0))
    assert simplify(("mul", x(0), ("logistic", x(0)))) == ("silu", x(0))
    assert simplify(("sub", ("exp", x(1)), c(1.0))) == ("expm1", x(1))


def test_shared_parts_of_an_expression_are_computed_once() -> None:
    shared = ("tanh", x(0))
    text = vector_struct(("mul", shared, ("add", shared, c(0.1))), 1)
    assert text.count("op::tanh") == 1
    assert "splat(0.100000001f)" in text


def _constant(value: Any) -> Tensor:
    array = np.asarray(value, np.float32)
    return Tensor("constant", array.shape, FLOAT, array)


def _dense(tensors: list[Tensor], *rest: Operator, outputs: tuple[int, ...]) -> Graph:
    layer = Operator("FULLY_CONNECTED", (0, 1, MISSING), (2,), {"fused_activation_function": 0})
    return Graph(tuple(tensors), (layer, *rest), (0,), outputs, ("x",), ("y",) * len(outputs))


def _plain(size: int = 4) -> Tensor:
    return Tensor("t", (1, size), FLOAT)


def test_activations_and_residuals_move_into_the_dense_layer() -> None:
    tensors = [_plain(), _constant(np.eye(4)), *(_plain() for _ in range(3))]
    graph = _dense(
        tensors, Operator("ADD", (2, 0), (3,)), Operator("TANH", (3,), (4,)), outputs=(4,)
    )
    (op,) = optimise(graph).operators
    assert op.kind == "FULLY_CONNECTED"
    assert op["activation"] == ("tanh", x(0))
    assert op["residual"] == 0
    assert op["residual_after"] is False


def test_a_result_that_somebody_else_reads_is_not_fused_away() -> None:
    tensors = [_plain(), _constant(np.eye(4)), *(_plain() for _ in range(2))]
    graph = _dense(tensors, Operator("TANH", (2,), (3,)), outputs=(2, 3))
    assert [op.kind for op in optimise(graph).operators] == ["FULLY_CONNECTED", "ELEMENTWISE"]


def test_operators_that_nobody_reads_are_removed() -> None:
    tensors = [_plain(), _constant(np.eye(4)), *(_plain() for _ in range(2))]
    graph = _dense(tensors, Operator("EXP", (2,), (3,)), outputs=(2,))
    assert [op.kind for op in optimise(graph).operators] == ["FULLY_CONNECTED"]


def _kinds(compiled_model: Any, batch: int) -> list[str]:
    return [op.kind for op in optimise(read_graph(compiled_model.graphs[batch])).operators]


@pytest.mark.parametrize("batch", [1, 8])
def test_loops_become_cells_with_no_transpose_left(batch: int, converted: Any) -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    source = keras.Input((7, 5))
    tensor = layers.Bidirectional(layers.LSTM(9, return_sequences=True))(source)
    tensor = layers.SimpleRNN(4, return_sequences=True, go_backwards=True)(tensor)
    model = converted(keras.Model(source, layers.GRU(6)(tensor)))
    kinds = [k for k in _kinds(model, batch) if k != "RESHAPE"]
    assert sorted(kinds) == [
        "CONCATENATION", "GRU", "LSTM", "LSTM", "SIMPLE_RNN", "STRIDED_SLICE",
    ]  # fmt: skip


def test_attention_and_layer_norm_are_one_operator_each(converted: Any) -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    source = keras.Input((6, 8))
    tensor = layers.MultiHeadAttention(2, 4)(source, source, use_causal_mask=True)
    model = converted(keras.Model(source, layers.LayerNormalization()(tensor + source)))
    kinds = [k for k in _kinds(model, 8) if k != "RESHAPE"]
    assert kinds == ["FULLY_CONNECTED"] * 3 + ["ATTENTION", "FULLY_CONNECTED", "LAYER_NORM"]


def test_padding_and_pooling_move_into_the_convolution(converted: Any) -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    source = keras.Input((9, 9, 3))
    tensor = layers.ZeroPadding2D(((1, 0), (2, 1)))(source)
    tensor = layers.MaxPooling2D()(layers.Conv2D(4, 3, activation="relu")(tensor))
    graph = optimise(read_graph(converted(keras.Model(source, tensor)).graphs[1]))
    (op,) = graph.operators
    assert op.kind == "CONV_2D"
    assert op["pads"] == (1, 2, 0, 1)
    assert op["pool"] == "kMax"
    assert op["activation"] == ("relu", x(0))


def test_literals_have_the_type_of_their_operands() -> None:
    int64 = "std::int64_t"
    expression = ("min", ("floor_mod", x(0), c(7, int64)), ("max", x(0), c(-(2**63), int64)))
    text = scalar_struct(expression, [int64], int64)
    assert "op::floorMod<std::int64_t>(x0, std::int64_t{7})" in text
    assert "op::max<std::int64_t>(x0, std::int64_t{-9223372036854775807 - 1})" in text
    assert "double{" not in scalar_struct(("add", x(0), c(0.1, "double")), ["double"], "double")
    assert "(x0 + 0.1)" in scalar_struct(("add", x(0), c(0.1, "double")), ["double"], "double")


def test_integers_are_added_by_functions_that_wrap_around() -> None:
    small = "std::int8_t"
    text = scalar_struct(("relu", ("add", x(0), x(1))), [small, small], small)
    assert "op::relu<std::int8_t>(op::add<std::int8_t>(x0, x1))" in text


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
