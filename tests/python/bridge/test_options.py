"""What tells a core how to load a bundle."""

import numpy as np
import pytest

import aios
from aios.bridge.options import LoadOptions


def test_the_defaults_are_those_of_load(digits):
    with aios.load(digits.bundle) as bridge:
        assert bridge._options == LoadOptions()
    shown = "engine='auto', threads=1, verify='quick', precision='float32', max_tuning_ms=300"
    assert repr(LoadOptions()).startswith(f"LoadOptions({shown}")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"engine": 5}, "engine: expected the name of an engine or 'auto', got 5"),
        ({"threads": "2"}, "threads: expected a whole number, as 4, got '2'"),
        ({"threads": True}, "threads: expected a whole number, as 4, got True"),
        ({"threads": 1.5}, "threads: expected a whole number, as 4, got 1.5"),
        ({"precision": None}, "precision: expected the name of a precision"),
        ({"max_tuning_ms": "long"}, "max_tuning_ms: expected a number, as 300, got 'long'"),
        ({"verify": False}, "verify: expected 'quick', 'full' or 'off', got False"),
        ({"tags": ["serve"]}, "tags: expected names"),
        ({"tags": (5,)}, r"tags: expected names, as \['serve'\], got \(5,\)"),
    ],
)
def test_what_is_of_another_type_is_refused_by_name(given, message):
    with pytest.raises(aios.InvalidArgumentError, match=message):
        LoadOptions(**given)


@pytest.mark.native
def test_a_number_that_the_extension_cannot_hold_is_refused_by_name(digits):
    with pytest.raises(aios.InvalidArgumentError, match="threads: can't be 1099511627776"):
        aios.load(digits.bundle, threads=2**40)


def test_numbers_of_numpy_are_numbers(digits):
    with aios.load(
        digits.bundle, engine="litert", threads=np.int64(2), max_tuning_ms=np.float32(0)
    ) as bridge:
        assert bridge.perform_inference(digits.x_test[:1]).shape == (1, 10)
