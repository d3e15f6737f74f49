"""Loading and closing again and again gives the memory back; `benchmarks.memory` does it longer."""

import numpy as np
import pytest
from benchmarks import memory

pytestmark = pytest.mark.native


@pytest.mark.parametrize("engine", ["compiled", "litert", "openvino"])
def test_sixty_loads_give_their_memory_back(digits, engine):
    growth = memory.measure(digits.bundle, engine, 60)
    assert growth.settled_bytes > 10 * 2**20
    assert growth.part < memory.LIMIT


def test_what_is_kept_after_a_load_is_seen():
    """The measurement itself: ten MiB more are ten MiB more."""
    before = memory.resident_bytes()
    kept = np.ones(10 * 2**17)
    assert memory.resident_bytes() - before == pytest.approx(kept.nbytes, rel=0.2)
