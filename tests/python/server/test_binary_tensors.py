import numpy as np
import pytest

import aios
from aios.server.binary_tensors import datatype_of, from_binary, to_binary


@pytest.mark.parametrize(
    ("array", "datatype"),
    [
        (np.array([[1.5, -2]], np.float32), "FP32"),
        (np.array([1, 2], ">i4").astype("<i4"), "INT32"),
        (np.array([[True], [False]]), "BOOL"),
        (np.zeros((0, 3), np.float16), "FP16"),
        (np.array([b"", b"ab\x00"], dtype=object), "BYTES"),
        (np.zeros((0, 2), dtype=object), "BYTES"),
    ],
)
def test_an_array_comes_back_from_its_bytes(array, datatype):
    assert datatype_of(array) == datatype
    back = from_binary(memoryview(to_binary(array)), datatype, list(array.shape))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert back.flags.owndata or back.base.flags.owndata


def test_the_bytes_are_little_endian_and_strings_have_lengths():
    assert to_binary(np.array([1], ">i4")) == b"\x01\0\0\0"
    assert to_binary(np.array(["é", "a"])) == b"\x02\0\0\0\xc3\xa9\x01\0\0\0a"
    assert to_binary(np.array([[1, 2], [3, 4]], np.uint8).T) == b"\x01\x03\x02\x04"


@pytest.mark.parametrize(
    ("data", "datatype", "shape"),
    [
        (b"123", "FP32", [1]),
        (b"1234", "FP32", [2]),
        (b"\x05\0\0\0a", "BYTES", [1]),
        (b"\x01\0", "BYTES", [1]),
        (b"", "BYTES", [2]),
        (b"", "FP128", [0]),
    ],
)
def test_bytes_that_are_no_such_tensor_are_refused(data, datatype, shape):
    with pytest.raises(aios.InvalidArgumentError):
        from_binary(memoryview(data), datatype, shape)


def test_strings_are_bytes_or_text():
    with pytest.raises(aios.InvalidArgumentError, match="expected bytes or str, got 1"):
        to_binary(np.array([1], dtype=object))
