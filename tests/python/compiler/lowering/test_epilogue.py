"""What a kernel does to its result before it stores it."""

from graphs import constant, functions_of, graph_of, lowered, tensor

from aios.compiler.attributes import Fused
from aios.compiler.graph import MISSING, Operator

RELU = ("relu", ("x", 0))


def _dense(**moved):
    tensors = [tensor(1, 4), constant([[1.0] * 4] * 4), tensor(1, 4)]
    return graph_of(
        tensors, Operator("FULLY_CONNECTED", (0, 1, MISSING), (2,), attributes=Fused(**moved))
    )


def test_known_activations_have_names_and_others_are_defined():
    assert functions_of(_dense()) == ["dense<1, 4, 4, Identity>"]
    assert functions_of(_dense(activation=RELU)) == ["dense<1, 4, 4, Relu>"]
    lowerer = lowered(_dense(activation=("square", RELU)))
    (call,) = lowerer.finish().calls()
    assert call.function == "dense<1, 4, 4, Activation0>"
    assert "Activation0" in lowerer.finish().functions["Activation0"]


def test_a_residual_is_added_before_or_after_the_activation():
    for after, word in ((False, "kBeforeActivation"), (True, "kAfterActivation")):
        graph = _dense(activation=RELU, residual=0, residual_after=after)
        (call,) = lowered(graph).finish().calls()
        assert call.function == f"dense<1, 4, 4, Relu, Residual::{word}>"
        assert [getattr(o, "index", None) for o in call.operands].count(0) == 2
