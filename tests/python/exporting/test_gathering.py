"""Golden samples of every signature, from the caller's samples where those fit, else drawn."""

import numpy as np
import pytest

from aios.bundle.manifest import SignatureRecord, TensorRecord, Tolerance
from aios.errors import InvalidArgumentError
from aios.exporting.gathering import gathered


def _signature(name, *sizes):
    shape = (-1, *sizes)
    return SignatureRecord(
        name, (TensorRecord("x", "float32", shape),), (TensorRecord("y", "float32", shape),)
    )


class Doubling:
    """A model of two signatures that doubles its input."""

    signatures = (_signature("first", 2), _signature("second", 3))

    def answers(self, signature, inputs):
        return {"y": inputs["x"] * 2}

    def words(self):
        return ()


def _gathered(samples, asked=None):
    sets = gathered(Doubling(), samples, Tolerance(), asked or {}, {})
    return {item.signature.name: item for item in sets}


def test_samples_go_to_the_signature_that_they_fit_and_others_are_drawn():
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    found = _gathered(x)
    assert found["first"].own == 4
    np.testing.assert_array_equal(found["first"].inputs["x"][:4, 0], x)
    assert found["second"].own == 32
    np.testing.assert_array_equal(found["first"].outputs["y"], found["first"].inputs["x"] * 2)


def test_samples_by_signature_go_to_those():
    found = _gathered({"second": np.ones((5, 3), np.float32)})
    assert (found["first"].own, found["second"].own) == (32, 5)


def test_samples_outside_of_the_range_that_is_asked_for_are_named():
    x = np.array([[0.0, 1.0], [0.5, 3.0]], np.float32)
    assert _gathered(x, {"first": {"x": (0.0, 3.0)}})["first"].ranges == {"x": (0.0, 3.0)}
    with pytest.raises(InvalidArgumentError, match=r"sample 1 of input 'x' has values outside"):
        _gathered(x, {"first": {"x": (0.0, 1.0)}})
