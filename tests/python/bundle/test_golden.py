"""Golden samples are read without the package safetensors, whatever stands in the file."""

import json

import numpy as np
import pytest

from aios.bundle.directory import BundleDirectory
from aios.bundle.golden import read_tensors, samples_of, unpack_strings
from aios.bundle.manifest import SignatureRecord, TensorRecord
from aios.errors import CorruptBundleError

SPEC = TensorRecord("x", "float32", (-1, 2))
SIGNATURE = SignatureRecord("serve", (SPEC,), ())


def read(tmp_path, header, payload=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (tmp_path / "g").write_bytes(len(text).to_bytes(8, "little") + text + payload)
    return read_tensors(BundleDirectory(tmp_path), "g")


def test_tensors_have_the_values_that_were_written(tmp_path):
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    header = {
        "__metadata__": {"by": "a test"},
        "x": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]},
        "y": {"dtype": "BOOL", "shape": [2], "data_offsets": [24, 26]},
    }
    tensors = read(tmp_path, header, values.tobytes() + b"\1\0")
    assert tensors.keys() == {"x", "y"}
    np.testing.assert_array_equal(tensors["x"], values)
    assert tensors["y"].tolist() == [True, False]


@pytest.mark.parametrize(
    "header",
    [
        b"no JSON",
        {"x": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
        {"x": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}},
        {"x": {"shape": [1]}},
        [],
    ],
)
def test_a_malformed_file_is_corrupt(tmp_path, header):
    with pytest.raises(CorruptBundleError, match="golden samples 'g'"):
        read(tmp_path, header, b"\0" * 4)


def test_samples_must_have_the_signatures_dtype_and_shape():
    key = "serve/inputs/x"
    samples = np.zeros((4, 1, 2), np.float32)
    assert samples_of({key: samples}, SIGNATURE, "inputs", SPEC) is samples
    for wrong in (samples.astype(np.float64), samples[0], np.zeros((4, 1, 3), np.float32)):
        with pytest.raises(CorruptBundleError, match="dtype and shape"):
            samples_of({key: wrong}, SIGNATURE, "inputs", SPEC)
    with pytest.raises(CorruptBundleError, match="lack 'serve/inputs/x'"):
        samples_of({}, SIGNATURE, "inputs", SPEC)


def test_strings_are_put_together_from_their_places():
    tensors = {
        "w#bytes": np.frombuffer(b"abcd", np.uint8),
        "w#offsets": np.array([[[0, 2]], [[2, 2]], [[1, 4]]], np.int64),
    }
    assert unpack_strings("w", tensors).tolist() == [[b"ab"], [b""], [b"bcd"]]
    for offsets in ([[[0, 5]]], [[[2, 1]]], [[[-1, 1]]], [[0]]):
        broken = {**tensors, "w#offsets": np.array(offsets, np.int64)}
        with pytest.raises(CorruptBundleError, match="aren't strings and their places"):
            unpack_strings("w", broken)
