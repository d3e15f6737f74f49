"""Constants in one file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from aios.compiler.weights import WeightStore

if TYPE_CHECKING:
    from pathlib import Path


def test_equal_constants_are_stored_once_and_aligned(tmp_path: Path) -> None:
    store = WeightStore()
    first = store.add(np.arange(3, dtype=np.float32))
    second = store.add(np.arange(20, dtype=np.float32))
    again = store.add(np.arange(3, dtype=np.float32).copy())
    assert (first, second, again) == (0, 64, 0)
    store.write(tmp_path / "weights.bin")
    content = (tmp_path / "weights.bin").read_bytes()
    assert store.nbytes == len(content) == 64 + 128
    assert np.array_equal(np.frombuffer(content[64:144], np.float32), np.arange(20))
    assert store.sha256() == hashlib.sha256(content).hexdigest()
