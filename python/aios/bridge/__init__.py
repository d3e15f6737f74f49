"""The zero-copy bridge from Python to the C++ performance cell."""

from aios.bridge.bridge import TensorFlowCellularBridge, load

__all__ = ["TensorFlowCellularBridge", "load"]
