"""Arguments of an export that are refused."""

import numpy as np
import pytest

import aios

keras = pytest.importorskip("keras", reason="needs the extra [tensorflow]")
pytestmark = pytest.mark.usefixtures("borrowed_engines")


def _mlp(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((6,), name="x"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(4),
        ]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": np.zeros((4, 5), np.float32)}, r"input 'x': expected float32\[N,6\]"),
        ({"samples": np.zeros((0, 6), np.float32)}, "1 or more"),
        ({"samples": {"y": np.zeros((4, 6))}}, r"expected a dict with \['x'\]"),
        ({"samples": np.zeros((4, 6), np.complex64)}, "got complex64"),
        ({"engines": "abacus"}, "'abacus'"),
        ({"engines": ()}, "got none"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"tolerance": "tight"}, "expected a number as 1e-4"),
        ({"precisions": ()}, "got none"),
        ({"precisions": "int4"}, "expected any of float32, float16, bfloat16, int8, got 'int4'"),
        ({"tolerance": {"int8": 0.1}}, "any of float32, which are made, got one for int8"),
        ({"tolerance": {"int4": 0.1}}, "tolerance: expected any of float32"),
        ({"labels": "abcd"}, "expected a list of class names"),
        ({"labels": ["a", "b"]}, "has 4 classes, got 2 labels"),
    ],
)
def test_bad_arguments_are_refused_and_nothing_is_left(tmp_path, options, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        aios.export(_mlp(), tmp_path / "m.cell", **options)
    assert list(tmp_path.iterdir()) == []
