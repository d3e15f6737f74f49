"""Batches: any size, of the code for a few."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import digits_net, recurrent_net, small_cnn

from aios.compiler import artifact, compile_graphs
from aios.compiler.host import CompiledModel
from aios.errors import (
    InvalidArgumentError,
    UnsupportedError,
)

keras = pytest.importorskip("keras")
pytest.importorskip("ai_edge_litert")


@pytest.mark.parametrize("build", [digits_net, small_cnn, recurrent_net])
def test_any_batch_answers_as_single_samples(build: Any, compiled: Any) -> None:
    model = compiled(build(), moved=True)
    (arrays,) = model.source.draw(100)
    (expected,) = model.source.expected([arrays])
    for batch in (*range(10), 15, 16, 17, 31, 64, 100):
        (answer,) = model.run(arrays[:batch].copy())
        assert answer.shape == (batch, *expected.shape[1:])
        np.testing.assert_allclose(answer, expected[:batch], rtol=1e-4, atol=1e-5)


def test_batch_4096_is_right_to_the_last_sample(compiled: Any) -> None:
    model = compiled(digits_net(), moved=True)
    (arrays,) = model.source.draw(4096)
    assert model.worst([arrays]) < 1.0


def test_both_batches_share_their_weights(compiled: Any, tmp_path: Path) -> None:
    model = compiled(digits_net())
    alone = compile_graphs({1: model.source.graphs[1]}, tmp_path / "alone", name="model")
    one, both = (
        (folder / "weights.bin").stat().st_size for folder in (tmp_path / "alone", model.folder)
    )
    assert one == both
    assert alone.batch_sizes == (1,)


def test_a_batch_that_does_not_pay_is_not_translated(
    compiled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = compiled(small_cnn())
    lowered, lower = [], artifact.lower_graph

    def counting(graph: Any, *rest: Any) -> Any:
        lowered.append(graph.tensors[graph.inputs[0]].shape[0])
        return lower(graph, *rest)

    monkeypatch.setattr(artifact, "lower_graph", counting)
    monkeypatch.setattr(artifact, "pays", lambda work, nbytes: False)
    made = compile_graphs(model.source.graphs, tmp_path / "once", name="model")
    assert lowered == [1]
    assert made.batch_sizes == (1,)
    assert made.any_batch


def test_a_batch_below_zero_is_refused(compiled: Any) -> None:
    model = compiled(digits_net())
    status = model.run.descriptor.run(None, None, -1, None, None, None)
    assert status == 3


def test_a_single_batch_size_other_than_one_is_fixed(compiled: Any, tmp_path: Path) -> None:
    model = compiled(digits_net(), moved=True)
    made = compile_graphs({8: model.source.graphs[8]}, tmp_path / "fixed", name="fixed")
    fixed = CompiledModel(tmp_path / "fixed")
    assert not made.any_batch
    assert fixed.inputs[0][2] == (8, 10)
    (arrays,) = model.source.draw(8)
    np.testing.assert_array_equal(fixed(arrays)[0], model.run(arrays)[0])
    assert fixed.descriptor.run(None, None, 7, None, None, None) == 3
    sizes = {4: model.source.graphs[1], 8: model.source.graphs[8]}
    with pytest.raises((InvalidArgumentError, UnsupportedError), match="batch"):
        compile_graphs(sizes, tmp_path / "none", name="none")
