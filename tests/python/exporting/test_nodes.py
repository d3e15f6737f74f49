"""Edits of a graph's nodes."""

import numpy as np
import pytest

from aios.exporting import nodes

tf = pytest.importorskip("tensorflow", reason="needs the extra [tensorflow]")


def _node(**attributes):
    from tensorflow.core.framework.node_def_pb2 import NodeDef

    node = NodeDef(name="n", op="Switch", input=["a", "^b", "c:1"])
    for name, types in attributes.items():
        node.attr[name].list.type.extend(types)
    return node


def test_a_constant_gives_its_value():
    node = nodes.constant("c", np.array([1.5, 2.5], np.float32))
    assert (node.op, node.attr["dtype"].type) == ("Const", tf.float32.as_datatype_enum)
    np.testing.assert_array_equal(tf.make_ndarray(node.attr["value"].tensor), [1.5, 2.5])


def test_a_name_that_is_taken_gets_longer():
    assert nodes.free_name("a", {"b"}) == "a"
    assert nodes.free_name("a", {"a", "a_"}) == "a__"


def test_operands_of_data_are_told_from_those_that_are_waited_for():
    assert nodes.data_operands(_node()) == ["a", "c:1"]
    assert nodes.control_operands(_node()) == ["^b"]


def test_a_node_in_the_place_of_another_keeps_its_name_and_device():
    node = _node()
    node.device = "/cpu:0"
    new = nodes.replaced(node, "Identity", ["a"], T=1)
    assert (new.name, new.op, list(new.input), new.device) == ("n", "Identity", ["a"], "/cpu:0")
    assert new.attr["T"].type == 1


def test_types_are_set_only_where_an_edge_carries_a_variable():
    resource = nodes.resource_type()
    node = _node(T=[resource, 3, resource])
    edges = [nodes.Variable(1, (2,)), None, nodes.Table("t")]
    nodes.retype_all(node, "T", edges)
    assert list(node.attr["T"].list.type) == [1, 3, resource]


def test_shapes_are_set_only_where_an_edge_carries_a_variable():
    node = _node()
    shapes = node.attr["shapes"].list.shape
    for _ in range(2):
        shapes.add().unknown_rank = True
    nodes.reshape_all(shapes, [None, nodes.Variable(1, (2, 3))])
    assert shapes[0].unknown_rank
    assert [dim.size for dim in shapes[1].dim] == [2, 3]
