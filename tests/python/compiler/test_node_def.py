"""TensorFlow's own operators in a file: their names and attributes."""

import pytest

from aios.compiler.node_def import node_attributes, tensorflow_operator

tf = pytest.importorskip("tensorflow")


def _node():
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    node = NodeDef(name="n", op="Test")
    node.attr["text"].s = b"SAME"
    node.attr["number"].i = -3
    node.attr["share"].f = 0.25
    node.attr["flag"].b = True
    node.attr["T"].type = tf.float64.as_datatype_enum
    node.attr["sizes"].list.i.extend([1, 300, -2])
    node.attr["bounds"].list.f.extend([0.5, -1.0])
    node.attr["flags"].list.b.extend([True, False])
    node.attr["words"].list.s.extend([b"a", b"b"])
    return node


def test_attributes_of_every_kind_are_read_as_protobuf_reads_them():
    found = node_attributes(_node().SerializeToString())
    assert found == {
        "text": "SAME",
        "number": -3,
        "share": 0.25,
        "flag": True,
        "T": 2,
        "sizes": [1, 300, -2],
        "bounds": [0.5, -1.0],
        "flags": [True, False],
        "words": ["a", "b"],
    }


def test_a_flex_operator_without_options_has_its_name_alone():
    assert tensorflow_operator("FlexTest", b"") == ("Test", {})


def test_options_of_a_custom_operator_are_a_map():
    from flatbuffers import flexbuffers

    options = bytes(flexbuffers.Dumps({"num": 3, "share": 0.5}))
    assert tensorflow_operator("Mine", options) == ("Mine", {"num": 3, "share": 0.5})


def test_a_node_that_is_cut_is_an_error():
    with pytest.raises((IndexError, ValueError)):
        node_attributes(_node().SerializeToString() + b"\x0b")
