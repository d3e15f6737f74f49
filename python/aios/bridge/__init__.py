"""The zero-copy bridge from Python to the performance cell."""

from aios.bridge.bridge import TensorFlowCellularBridge, empty, load
from aios.bridge.core import core

BenchmarkResult = core.BenchmarkResult
EngineChoice = core.EngineChoice
Metrics = core.Metrics
Signature = core.Signature
SignatureMetrics = core.SignatureMetrics
Stream = core.Stream
TensorSpec = core.TensorSpec

__all__ = [
    "BenchmarkResult",
    "EngineChoice",
    "Metrics",
    "Signature",
    "SignatureMetrics",
    "Stream",
    "TensorFlowCellularBridge",
    "TensorSpec",
    "empty",
    "load",
]
