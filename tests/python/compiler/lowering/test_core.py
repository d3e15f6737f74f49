"""What lowerings write into, and what is declined."""

import numpy as np
from graphs import declined_of, functions_of, graph_of, lowered, tensor

from aios.compiler.graph import Operator
from aios.compiler.lowering import Lowerer, Machine


def test_what_no_lowering_knows_is_declined_by_its_kind():
    graph = graph_of([tensor(2), tensor(2)], Operator("NO_SUCH", (0,), (1,)))
    assert declined_of(graph) == ["NO_SUCH"]


def test_a_shape_that_is_open_is_declined_with_the_reason():
    graph = graph_of([tensor(-1, 4), tensor(-1, 4)], Operator("SOFTMAX", (0,), (1,)))
    assert declined_of(graph) == ["SOFTMAX (a shape that is not static)"]


def test_an_output_that_is_the_input_is_a_copy_of_it():
    graph = graph_of([tensor(2, 3), tensor(6)], Operator("RESHAPE", (0,), (1,)))
    assert functions_of(graph) == ["copyBytes<24>"]


def test_equal_definitions_have_one_name():
    lowerer = Lowerer(graph_of([tensor(2)], Operator("RESHAPE", (0,), (0,))), Machine(8))
    first = lowerer.define("Expression", "struct NAME {};")
    assert lowerer.define("Expression", "struct NAME {};") == first
    assert lowerer.define("Expression", "struct NAME { int x; };") != first


def test_a_computed_tensor_is_written_where_its_only_reader_wants_it():
    lowerer = lowered(
        graph_of(
            [tensor(4), tensor(4), tensor(8)],
            Operator("RESHAPE", (0,), (1,)),
            Operator("SOFTMAX", (0,), (2,)),
        )
    )
    assert not lowerer.place_inside(0, 2, 0), "the caller's memory stays the caller's"
    index = lowerer.temporary((4,))
    assert not lowerer.place_inside(index, 2, 16), "nobody has computed it yet"
    lowerer.call("f", [0], [index], comment="", header="x.hpp")
    assert lowerer.place_inside(index, 2, 16)
    assert lowerer.owner(index) == (2, 16)


def test_temporaries_have_the_dtype_that_is_asked_for():
    lowerer = Lowerer(graph_of([tensor(2)], Operator("RESHAPE", (0,), (0,))), Machine(8))
    assert lowerer.tensor(lowerer.temporary((2, 2), "int8")).dtype == np.int8
