"""Arrays at the boundary: the checks and the words of the C++ cell."""

import numpy as np
import pytest

import aios
from aios.bridge.fallback import arrays
from aios.bridge.fallback.records import Signature, TensorSpec

pytestmark = pytest.mark.native

_X = np.zeros((4, 64), np.float32)


@pytest.mark.parametrize(
    ("x", "options"),
    [
        (np.zeros((4, 12)), {}),
        (np.zeros(64, np.float32), {}),
        (np.zeros((), np.float32), {}),
        (np.zeros((1, 64, 1), np.float32), {}),
        (np.zeros((1,) * 9, np.float32), {}),
        (np.zeros((1, 64), np.int64), {}),
        (np.zeros((1, 64), np.complex64), {}),
        (np.zeros((1, 64), object), {}),
        (np.array([["a"]]), {}),
        (np.zeros((1, 64), ">f4"), {}),
        (np.zeros((64, 2), np.float32).T, {}),
        (np.zeros((1, 63), np.float64), {}),
        ([[0.0] * 64], {}),
        (None, {}),
        ("digits", {}),
        ({"y": _X}, {}),
        ({1: _X}, {}),
        ({}, {}),
        (_X.astype(np.complex64), {"copy": True}),
        (_X, {"signature": "abacus"}),
        (_X, {"out": np.zeros((4, 10))}),
        (_X, {"out": np.zeros((3, 10), np.float32)}),
        (_X, {"out": np.zeros((4, 9), np.float32)}),
        (_X, {"out": np.zeros((10, 4), np.float32).T}),
        (_X, {"out": np.zeros((4, 10), object)}),
        (_X, {"out": [0.0]}),
        (_X, {"out": {"y": np.zeros((4, 10), np.float32)}}),
        (_X, {"out": _X.reshape(-1)[:40].reshape(4, 10)}),
    ],
)
def test_bad_arrays_get_the_words_of_the_cpp_cell(pure, native, x, options):
    with pytest.raises(aios.AiosError) as expected:
        native.perform_inference(x, **options)
    with pytest.raises(type(expected.value)) as got:
        pure.perform_inference(x, **options)
    assert str(got.value) == str(expected.value)


SIGNATURE = Signature(
    "serve",
    [TensorSpec("x", "float32", (-1, 2)), TensorSpec("n", "int64", ())],
    [TensorSpec("y", "float32", (-1, 2)), TensorSpec("z", "string", (-1,))],
)


def test_inputs_come_in_the_signatures_order_and_agree_on_the_batch():
    x, n = np.ones((3, 2), np.float32), np.array(5)
    given = arrays.borrow_inputs(SIGNATURE, {"n": n, "x": x}, copy=False)
    assert np.shares_memory(given[0], x)
    assert given[1] == 5
    assert arrays.check_inputs(SIGNATURE, given) == 3
    alone = Signature("serve", SIGNATURE.inputs[1:], [])
    assert arrays.check_inputs(alone, [n]) == 1
    twice = Signature("serve", [SIGNATURE.inputs[0], TensorSpec("w", "float32", (-1,))], [])
    with pytest.raises(aios.InvalidArgumentError, match="input 'w': expected a batch of 3"):
        arrays.check_inputs(twice, [x, np.ones(4, np.float32)])


def test_strings_become_bytes_and_anything_else_is_refused():
    spec = TensorSpec("words", "string", (-1,))
    signature = Signature("serve", [spec], [spec])
    for given in (["ä", "b"], np.array(["ä", "b"]), np.array([b"\xc3\xa4", b"b"], object)):
        (found,) = arrays.borrow_inputs(signature, given, copy=False)
        assert found.tolist() == [b"\xc3\xa4", b"b"]
        assert arrays.bytes_of(found) == 3
    with pytest.raises(aios.InvalidArgumentError, match="pass an array of str or bytes"):
        arrays.borrow_inputs(signature, [1, 2], copy=False)


def test_outputs_are_made_where_their_shapes_are_known():
    known = Signature("serve", [], SIGNATURE.outputs[:1])
    assert arrays.outputs_are_known(known)
    assert not arrays.outputs_are_known(SIGNATURE)
    (made,) = arrays.new_outputs(known, 4)
    assert (made.shape, made.dtype) == ((4, 2), np.float32)
    assert [array.shape for array in arrays.empty_outputs(SIGNATURE)] == [(0, 2), (0,)]
    open_ended = Signature("serve", [], [TensorSpec("y", "float32", (-1, -1))])
    with pytest.raises(aios.UnsupportedError, match=r"'y' has the shape float32\[-1,-1\]"):
        arrays.new_outputs(open_ended, 1)


def test_outputs_have_memory_of_their_own():
    two = Signature(
        "serve", [], [TensorSpec("a", "float32", (-1, 2)), TensorSpec("b", "float32", (-1, 2))]
    )
    memory = np.zeros((4, 2), np.float32)
    arrays.check_outputs(two, 2, [], [memory[:2], memory[2:]])
    with pytest.raises(aios.InvalidArgumentError, match="output 'b': .* that output 'a' uses too"):
        arrays.check_outputs(two, 2, [], [memory[:2], memory[1:3]])
    with pytest.raises(aios.InvalidArgumentError, match="output 'a': .* that an input uses too"):
        arrays.check_outputs(two, 2, [memory], [memory[:2], memory[2:]])
