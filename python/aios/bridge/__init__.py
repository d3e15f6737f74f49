"""The zero-copy bridge from Python to the C++ performance cell."""

from aios.bridge.bridge import TensorFlowCellularBridge, empty, load

__all__ = ["TensorFlowCellularBridge", "empty", "load"]
