"""What Triton's client does alike over HTTP and over gRPC."""

import numpy as np


def check_kinds(client, tensor):
    """Every dtype there and back; `tensor` makes an input of a name, an array and a datatype."""
    arrays = {
        "b": (np.array([[True, False]]), "BOOL"),
        "f16": (np.array([[0.5, -2]], np.float16), "FP16"),
        "f64": (np.array([[np.nan, 1e300]]), "FP64"),
        "i8": (np.array([[-128, 127]], np.int8), "INT8"),
        "i64": (np.array([[-(2**63), 2**63 - 1]]), "INT64"),
        "u8": (np.array([[0, 255]], np.uint8), "UINT8"),
        "u64": (np.array([[0, 2**64 - 1]], np.uint64), "UINT64"),
        "s_bytes": (np.array([[b"", b"\xff\x00"]], dtype=object), "BYTES"),
        "text": (np.array([["é", "a"]], dtype=object), "BYTES"),
    }
    inputs = [tensor(name, array, datatype) for name, (array, datatype) in arrays.items()]
    result = client.infer("kinds", inputs)
    for name, (array, _) in arrays.items():
        expected = np.array([["é".encode(), b"a"]], dtype=object) if name == "text" else array
        np.testing.assert_array_equal(result.as_numpy(name), expected)


def check_large(client, tensor):
    """16 MB there and back."""
    x = np.arange(4_000_000, dtype=np.float32)
    result = client.infer("half_plus_two", [tensor("x", x, "FP32")])
    np.testing.assert_array_equal(result.as_numpy("y"), x / 2 + 2)
