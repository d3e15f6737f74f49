"""The one table of dtypes says of each what NumPy, safetensors, TensorFlow Lite and C call it."""

import re
from pathlib import Path

import numpy as np
import pytest

from aios.bundle.dtypes import (
    CTYPES,
    DTYPES,
    TABLE,
    can_cast,
    describe,
    float_limits,
    is_float,
    numpy_dtype,
)

HEADER = Path(__file__).resolve().parents[3] / "include/aios/compiled_model.h"


def test_an_element_has_as_many_bytes_as_numpys():
    numbers = [dtype for dtype in TABLE if dtype.name != "string"]
    assert [d.nbytes for d in numbers] == [numpy_dtype(d.name).itemsize for d in numbers]
    assert [numpy_dtype(d.name).name for d in numbers] == [d.name for d in numbers]
    assert numpy_dtype("string").kind == "O"


def test_the_numbers_of_compiled_code_are_those_of_its_header():
    told = dict(re.findall(r"AIOS_COMPILED_([A-Z0-9]+) = (\d+),?\n", HEADER.read_text()))
    table = {d.name.upper(): str(d.compiled) for d in TABLE if d.compiled is not None}
    assert table.items() <= told.items()
    assert set(CTYPES) == set(DTYPES) - {"string"}


def test_the_numbers_of_tensorflow_lite_are_those_of_its_schema():
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    told = {number: name for name, number in vars(schema.TensorType).items() if name[0] != "_"}
    assert {d.name.upper(): d.tflite for d in TABLE if d.tflite is not None} == {
        told[d.tflite]: d.tflite for d in TABLE if d.tflite is not None
    }


def test_the_names_of_safetensors_are_those_that_it_writes():
    safetensors = pytest.importorskip("safetensors.numpy")
    arrays = {d.name: np.zeros(1, numpy_dtype(d.name)) for d in TABLE if d.safetensors}
    content = safetensors.save(arrays)
    for dtype in TABLE:
        if dtype.safetensors:
            assert f'"{dtype.name}":{{"dtype":"{dtype.safetensors}"'.encode() in content


def test_floats_are_told_from_the_rest_bfloat16_among_them():
    floats = {dtype.name for dtype in TABLE if is_float(numpy_dtype(dtype.name))}
    assert floats == {"float16", "bfloat16", "float32", "float64"}
    assert float(float_limits(numpy_dtype("bfloat16")).max) > 3e38
    assert float(float_limits("float16").max) == 65504


def test_a_cast_may_lose_a_floats_precision_and_nothing_else():
    assert can_cast(np.dtype("float64"), "float32")
    assert can_cast(np.dtype("int32"), "float32")
    assert not can_cast(np.dtype("float32"), "int32")
    assert not can_cast(np.dtype("int64"), "bool")


def test_a_tensor_is_described_by_its_dtype_and_sizes():
    assert describe("float32", (-1, 10)) == "float32[-1,10]"
    assert describe("string", ()) == "string[]"
