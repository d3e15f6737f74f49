"""A compiled model run from Python: its weights, addresses, and threads."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np
import pytest
from small_models import digits_net, small_cnn

from aios.compiler.host import CompiledModel, Parallel, _ParallelRun
from aios.errors import (
    CorruptBundleError,
)

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")
L = keras.layers


def test_tensors_at_odd_addresses_are_taken(compiled: Any) -> None:
    model = compiled(small_cnn(), moved=True)
    (arrays,) = model.source.draw(9)
    (expected,) = model.run(arrays)
    room = np.empty(arrays.size + 1, np.float32)
    shifted = room[1:].reshape(arrays.shape)
    shifted[:] = arrays
    np.testing.assert_array_equal(model.run(shifted)[0], expected)


def _thread_pool(lanes: int, seen: set[int]) -> Parallel:
    def run(_: Any, count: int, task: Any, argument: Any) -> None:
        def worker(lane: int) -> None:
            for index in range(lane, count, lanes):
                seen.add(index)
                task(argument, index, lane)

        threads = [threading.Thread(target=worker, args=(lane,)) for lane in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return Parallel(ctypes.sizeof(Parallel), lanes, None, _ParallelRun(run))


def test_threads_of_the_host_share_a_large_batch(compiled: Any) -> None:
    model = compiled(digits_net(), moved=True)
    (arrays,) = model.source.draw(3001)
    seen: set[int] = set()
    (answer,) = model.run.run([arrays], _thread_pool(3, seen))
    np.testing.assert_array_equal(answer, model.run(arrays)[0])
    assert seen == {0, 1, 2}


def test_a_small_batch_stays_in_the_callers_thread(compiled: Any) -> None:
    model = compiled(digits_net(), moved=True)
    (arrays,) = model.source.draw(16)
    seen: set[int] = set()
    model.run.run([arrays], _thread_pool(2, seen))
    assert not seen


def test_threads_of_the_host_share_one_large_sample(compiled: Any) -> None:
    source = keras.Input((40, 40, 32))
    tensor = L.Conv2D(32, 3, padding="same", activation="relu")(source)
    tensor = L.Conv2D(64, 1)(tensor) + L.Conv2D(64, 5, strides=1, padding="same")(tensor)
    tensor = L.DepthwiseConv2D(5, padding="same")(tensor)
    tensor = L.Conv2D(160, 1, strides=2)(tensor)
    tensor = L.Reshape((-1, 64))(tensor)
    tensor = L.MultiHeadAttention(4, 16)(tensor, tensor)
    model = compiled(keras.Model(source, L.Dense(130, "gelu")(tensor)), moved=True)
    assert "lanes.share(" in (model.folder / "model.cc").read_text()
    (arrays,) = model.source.draw(1)
    (expected,) = model.run(arrays)
    for lanes in (2, 3, 7):
        seen: set[int] = set()
        (answer,) = model.run.run([arrays], _thread_pool(lanes, seen))
        np.testing.assert_array_equal(answer, expected)
        assert len(seen) > 1
    assert model.worst([arrays]) < 1.0


def test_weights_of_another_model_are_refused_by_the_host(compiled: Any) -> None:
    model = compiled(digits_net())
    weights = model.folder / "weights.bin"
    weights.write_bytes(bytes(len(weights.read_bytes())))
    with pytest.raises(CorruptBundleError, match=r"weights\.bin"):
        CompiledModel(model.folder)
