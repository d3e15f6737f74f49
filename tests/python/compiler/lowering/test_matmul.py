"""Products of activations as calls."""

import numpy as np
from graphs import constant, declined_of, functions_of, graph_of, tensor

from aios.compiler.attributes import Attention
from aios.compiler.graph import Operator


def _product(left, right, out, **options):
    return graph_of([left, right, out], Operator("BATCH_MATMUL", (0, 1), (2,), options))


def test_a_product_by_a_constant_is_a_dense_layer():
    graph = _product(tensor(2, 3, 4), constant(np.ones((4, 5))), tensor(2, 3, 5))
    assert functions_of(graph) == ["dense<6, 4, 5, Identity>"]


def test_a_product_of_activations_names_what_is_turned_and_what_is_shared():
    shapes = tensor(2, 3, 4), tensor(2, 5, 4), tensor(2, 3, 5)
    (function,) = functions_of(_product(*shapes, adj_y=True))
    assert "MatmulShape<2, 3, 4, 5, false, true>" in function
    shapes = tensor(2, 3, 4), tensor(1, 4, 5), tensor(2, 3, 5)
    (function,) = functions_of(_product(*shapes))
    assert "MatmulShape<2, 3, 4, 5, false, false, false, true>" in function


def test_an_attention_is_one_call_with_its_scale_in_bits():
    heads = [tensor(1, 6, 2, 4) for _ in range(4)]
    operator = Operator("ATTENTION", (0, 1, 2), (3,), attributes=Attention(0.5))
    bits = int(np.float32(0.5).view(np.uint32))
    assert functions_of(graph_of(heads, operator)) == [
        f"attention<AttentionShape<1, 2, 6, 6, 4, 4, {bits}u>>"
    ]


def test_an_attention_of_another_dtype_is_declined():
    heads = [tensor(1, 6, 2, 4, dtype=np.float64) for _ in range(4)]
    operator = Operator("ATTENTION", (0, 1, 2), (3,), attributes=Attention(0.5))
    assert declined_of(graph_of(heads, operator)) == ["ATTENTION (dtype float64)"]
