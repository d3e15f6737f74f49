"""A graph that isn't well formed is found, with the pass that made it."""

from dataclasses import replace

import numpy as np
import pytest

from aios.compiler import passes
from aios.compiler.attributes import Elementwise, Fused, LoopBodies, Rounding, Scan
from aios.compiler.graph import Graph, Operator, Quantisation, Tensor
from aios.compiler.passes.clean import remove_dead
from aios.compiler.verify import checked, unread, verify
from aios.errors import InternalError

FLOAT = np.dtype(np.float32)


def tensor(*shape, dtype=FLOAT, data=None):
    return Tensor("t", shape, np.dtype(dtype), data)


def chain():
    """EXP, then TANH of it."""
    operators = (Operator("EXP", (0,), (1,)), Operator("TANH", (1,), (2,)))
    return Graph((tensor(2, 3),) * 3, operators, (0,), (2,))


def with_tensor(graph, index, changed):
    tensors = list(graph.tensors)
    tensors[index] = changed
    return replace(graph, tensors=tuple(tensors))


def fault_of(graph):
    with pytest.raises(InternalError) as told:
        verify(graph)
    return str(told.value).removeprefix("a graph that isn't well formed: ")


def test_a_well_formed_graph_passes():
    verify(chain())


@pytest.mark.parametrize(
    ("graph", "fault"),
    [
        (
            replace(chain(), operators=chain().operators[::-1]),
            "operator 0, TANH: reads tensors [1] that nothing before it makes",
        ),
        (
            replace(chain(), operators=(*chain().operators, Operator("NEG", (0,), (1,)))),
            "operator 2, NEG: makes tensors [1] once more",
        ),
        (
            replace(chain(), operators=(Operator("EXP", (1,), (0,)),), inputs=(0, 1), outputs=(0,)),
            "operator 0, EXP: makes tensors [0] once more",
        ),
        (replace(chain(), outputs=(7,)), "no tensors [7]"),
        (
            replace(chain(), operators=chain().operators[:1]),
            "no operator makes the outputs [2]",
        ),
        (
            with_tensor(chain(), 2, tensor(3, 2)),
            "operator 1, TANH: the output has the shape (3, 2); (2, 3) follows from the inputs",
        ),
        (
            with_tensor(chain(), 0, tensor(2, data=np.zeros(3, np.float32))),
            "tensor 0 has the shape (2,), its value (3,)",
        ),
        (
            with_tensor(chain(), 0, tensor(2, 3, data=np.zeros((2, 3)))),
            "tensor 0 is float32, its value float64",
        ),
        (
            with_tensor(
                chain(), 0, replace(tensor(2, 3), quantisation=Quantisation(np.ones(3), np.ones(2)))
            ),
            "tensor 0 has 3 scales and 2 zero points",
        ),
    ],
)
def test_what_is_wrong_is_named(graph, fault):
    assert fault in fault_of(graph)


@pytest.mark.parametrize(
    ("operator", "fault"),
    [
        (Operator("ELEMENTWISE", (0,), (1,)), "expected attributes Elementwise, got None"),
        (
            Operator("ELEMENTWISE", (0,), (1,), attributes=Rounding("float16")),
            "expected attributes Elementwise, got Rounding(dtype='float16')",
        ),
        (
            Operator("EXP", (0,), (1,), attributes=Rounding("float16")),
            "expected attributes Fused or none, got Rounding(dtype='float16')",
        ),
        (
            Operator("SCAN", (0,), (1,), attributes=Scan(2, chain(), 1, 1, 1)),
            "1 inputs and 2 results, and a body of 1 and 1",
        ),
        (
            Operator("WHILE", (0, 0), (1,), attributes=LoopBodies(chain(), chain())),
            "2 inputs, and bodies of another number",
        ),
        (
            Operator(
                "WHILE", (0,), (1,), attributes=LoopBodies(chain(), replace(chain(), outputs=(5,)))
            ),
            "body: no tensors [5]",
        ),
        (
            Operator("FULLY_CONNECTED", (0, 0), (1,), attributes=Fused(residual=1)),
            "reads tensors [1]",
        ),
    ],
)
def test_attributes_and_bodies_are_of_their_kind(operator, fault):
    graph = Graph((tensor(2, 3),) * 2, (operator,), (0,), (1,))
    assert fault in fault_of(graph)


def test_an_operator_keeps_the_dtype_that_its_kind_keeps():
    graph = Graph((tensor(2, 3), tensor(3, 2, dtype=np.int32)), (), (0,), (1,))
    turned = graph.with_operators([Operator("RESHAPE", (0,), (1,))])
    assert "operator 0, RESHAPE: makes int32 of float32" in fault_of(turned)


def test_a_pass_that_breaks_a_graph_is_named():
    def swap_operators(graph):
        return graph.with_operators(graph.operators[::-1])

    with pytest.raises(InternalError, match="pass swap_operators made a graph that isn't well"):
        checked(swap_operators)(chain())


def test_a_pass_that_changes_what_the_caller_gets_is_named():
    def drop_output(graph):
        return replace(graph, outputs=())

    def widen_output(graph):
        changed = with_tensor(graph, 2, tensor(2, 3, dtype=np.float64))
        return changed.with_operators(
            [*graph.operators[:1], Operator("CAST", (1,), (2,))],
        )

    for broken in (drop_output, widen_output):
        with pytest.raises(InternalError, match=f"pass {broken.__name__} made other outputs"):
            checked(broken)(chain())


def test_every_pass_is_checked_in_the_tests_of_the_compiler():
    broken = replace(chain(), operators=chain().operators[::-1])
    with pytest.raises(InternalError, match="pass adopt made"):
        passes.optimise(broken)


def test_operators_that_nobody_reads_are_told_until_they_are_removed():
    graph = replace(chain(), outputs=(1,))
    assert [op.kind for op in unread(graph)] == ["TANH"]
    assert unread(remove_dead(graph)) == []


@pytest.mark.parametrize(("other", "fault"), [((3,), None), ((1, 1), None), ((2,), "(2, 3)")])
def test_the_inputs_of_an_expression_broadcast_to_its_output(other, fault):
    expression = ("add", ("x", 0), ("x", 1))
    operator = Operator("ELEMENTWISE", (0, 1), (2,), attributes=Elementwise(expression))
    graph = Graph((tensor(2, 3), tensor(*other), tensor(2, 3)), (operator,), (0, 1), (2,))
    if fault is None:
        verify(graph)
    else:
        assert f"inputs of shapes [(2, 3), (2,)] don't broadcast to {fault}" in fault_of(graph)
