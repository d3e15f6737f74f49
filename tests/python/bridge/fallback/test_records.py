"""What a cell tells reads as the extension's."""

import re

import pytest

from aios.bridge.fallback.records import EngineChoice, TensorSpec
from aios.bundle.manifest import TensorRecord

pytestmark = pytest.mark.native


def test_what_it_tells_of_a_model_reads_as_in_cpp(pure, native, digits):
    assert repr(pure.signature) == repr(native.signature)
    assert repr(pure.signature.inputs[0]) == repr(native.signature.inputs[0])
    result = pure.benchmark_performance(digits.x_test[:1], iterations=20)
    assert re.fullmatch(
        r"BenchmarkResult\(engine='python-litert', p50_us=[\d.]+, p99_us=[\d.]+\)", repr(result)
    )


def test_a_spec_knows_its_batch_and_reads_as_a_tensor():
    spec = TensorSpec.of(TensorRecord("x", "float32", (-1, 10)))
    assert (str(spec), repr(spec)) == ("float32[-1,10]", "TensorSpec(x: float32[-1,10])")
    assert spec.is_batched
    assert not TensorSpec("n", "int64", ()).is_batched
    assert not TensorSpec("n", "int64", (3, -1)).is_batched


def test_a_choice_says_why_in_a_line():
    row = EngineChoice("python-litert", "any", "float32", "the first that runs", chosen=True)
    assert repr(row) == "EngineChoice(python-litert, chosen: the first that runs)"
    assert (row.batch, row.p50_us, row.threads, row.sizes) == (0, 0.0, 1, "")
