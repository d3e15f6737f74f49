"""Loops and branches: bodies of their own, and what is known of their inputs."""

import numpy as np
from graphs import constant, graph_of, tensor

from aios.compiler.attributes import BranchBodies, LoopBodies
from aios.compiler.graph import Graph, Operator, Rewriter
from aios.compiler.passes.clean import remove_dead
from aios.compiler.passes.subgraphs import (
    attach_bodies,
    bodies_of,
    map_bodies,
    recognise_writes,
    settle_bodies,
)

BODY = graph_of([tensor(2), tensor(2)], Operator("EXP", (0,), (1,)))
TEST = graph_of([tensor(2), tensor(dtype=bool)], Operator("LESS", (0, 0), (1,)))


def _loop(**options):
    return graph_of([tensor(2), tensor(2)], Operator("WHILE", (0,), (1,), options))


def test_numbers_of_subgraphs_become_the_subgraphs():
    main = _loop(cond_subgraph_index=1, body_subgraph_index=2)
    (loop,) = attach_bodies(main, (main, TEST, BODY)).operators
    bodies = loop.typed(LoopBodies)
    assert [op.kind for op in bodies.condition.operators] == ["LESS"]
    assert [op.kind for op in bodies.body.operators] == ["EXP"]
    assert loop.options == {}
    again = attach_bodies(graph_of([tensor(2), tensor(2)], loop), ())
    assert again.operators[0].attributes is bodies, "it has its bodies already"


def test_each_body_is_changed_in_its_place():
    op = Operator("IF", (0,), (1,), attributes=BranchBodies(TEST, BODY))
    changed = map_bodies(op, lambda body: body.with_operators(()))
    assert [len(body.operators) for body in bodies_of(changed)] == [0, 0]
    plain = Operator("EXP", (0,), (1,))
    assert map_bodies(plain, remove_dead) is plain
    assert bodies_of(plain) == ()


def test_a_loops_results_have_the_shape_that_its_body_keeps():
    op = Operator("WHILE", (0,), (1,), attributes=LoopBodies(TEST, BODY))
    rewriter = Rewriter(graph_of([tensor(2), tensor(-1)], op))
    settle_bodies(rewriter, op, lambda body: body)
    assert rewriter.tensors[1].shape == (2,)


def test_a_list_whose_item_is_put_between_the_others_has_that_item_written():
    whole = np.int32
    tensors = [
        tensor(5, 3), tensor(1, 3), tensor(dtype=whole),
        constant([0, 0], whole), tensor(2, dtype=whole), tensor(-1, 3),
        constant(1, whole), tensor(dtype=whole), tensor(2, dtype=whole), constant([-1, -1], whole),
        tensor(-1, 3), tensor(-1, 3), constant(3, whole), constant(0, whole),
    ]  # fmt: skip
    body = Graph(
        tuple(tensors),
        (
            Operator("PACK", (2, 12), (4,)),
            Operator("SLICE", (0, 3, 4), (5,)),
            Operator("ADD", (2, 6), (7,)),
            Operator("PACK", (7, 13), (8,)),
            Operator("SLICE", (0, 8, 9), (10,)),
            Operator("CONCATENATION", (5, 1, 10), (11,), {"axis": 0}),
        ),
        (0, 1, 2),
        (11,),
    )
    changed = recognise_writes(body)
    written = changed.producers()[11]
    assert (written.kind, written.inputs) == ("WRITE_ROW", (0, 1, 2))
    assert changed.tensors[11].shape == (5, 3)
    (left,) = remove_dead(changed).operators
    assert left.kind == "WRITE_ROW"
