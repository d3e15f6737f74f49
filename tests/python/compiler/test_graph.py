"""Graphs and their changed copies."""

import numpy as np
import pytest
from graphs import constant, graph_of, tensor

from aios.compiler.attributes import Attention, Rounding
from aios.compiler.graph import MISSING, Operator, Rewriter


def _chain():
    operators = (Operator("EXP", (0,), (1,)), Operator("ADD", (1, 1), (2,)))
    return graph_of([tensor(2), tensor(2), tensor(2)], *operators)


def test_a_tensor_knows_its_size():
    assert (tensor(2, 3).size, tensor(2, 3).nbytes, tensor().size) == (6, 24, 1)


def test_producers_and_consumers_are_found_by_tensor():
    graph = _chain()
    exp, add = graph.operators
    assert graph.producers() == {1: exp, 2: add}
    assert graph.consumers() == {0: [exp], 1: [add]}
    assert graph.constant(MISSING) is None


def test_later_uses_of_a_renamed_tensor_are_uses_of_the_other():
    rewriter = Rewriter(_chain())
    for op in rewriter:
        if op.kind == "EXP":
            rewriter.rename(1, 0)
        else:
            rewriter.emit(op)
    changed = rewriter.finish()
    assert [(op.kind, op.inputs) for op in changed.operators] == [("ADD", (0, 0))]


def test_an_output_that_is_renamed_is_another_output():
    rewriter = Rewriter(_chain())
    rewriter.rename(2, 1)
    assert rewriter.finish().outputs == (1,)


def test_a_constant_takes_the_dtype_and_shape_of_the_tensor_that_it_becomes():
    rewriter = Rewriter(graph_of([tensor(2, 1)], Operator("EXP", (0,), (0,))))
    rewriter.set_constant(0, np.array([1.0, 2.0]))
    assert rewriter.tensors[0].data.dtype == np.float32
    assert rewriter.tensors[0].data.tolist() == [[1.0], [2.0]]
    assert rewriter.add_constant(np.zeros(3)) == 1


def test_attributes_are_of_the_class_that_is_asked_for_or_it_is_said():
    op = Operator("ROUND_TO", (0,), (1,), attributes=Rounding("float16"))
    assert op.typed(Rounding).dtype == "float16"
    with pytest.raises(TypeError, match=r"ROUND_TO: expected Attention, got Rounding"):
        op.typed(Attention)


def test_options_are_read_by_name():
    op = Operator("SOFTMAX", (0,), (1,), {"beta": 2.0})
    assert op["beta"] == 2.0
    assert constant([1, 2]).data.dtype == np.float32
