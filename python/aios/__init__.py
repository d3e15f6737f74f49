"""AIOS Cells: train in Keras, run in C++ in microseconds, with proof that the answers are the same.

Importing this package imports nothing heavy: every public name is loaded at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_ERRORS = (
    "AiosError",
    "CorruptBundleError",
    "CorruptHomeError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "OverloadedError",
    "UnavailableError",
    "UnsupportedError",
)

_HOME_OF = dict.fromkeys(_ERRORS, "aios.errors") | {
    "BenchmarkResult": "aios._core",
    "EngineChoice": "aios._core",
    "ExportReport": "aios.exporting",
    "Metrics": "aios._core",
    "Signature": "aios._core",
    "SignatureMetrics": "aios._core",
    "TensorFlowCellularBridge": "aios.bridge",
    "TensorFlowTrainingCell": "aios.training",
    "TensorSpec": "aios._core",
    "Tolerance": "aios.bundle.manifest",
    "TrainingConfig": "aios.training.config",
    "TrainingReport": "aios.training.report",
    "empty": "aios.bridge",
    "export": "aios.exporting",
    "load": "aios.bridge",
}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'aios' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})


if TYPE_CHECKING:
    from aios._core import BenchmarkResult as BenchmarkResult
    from aios._core import EngineChoice as EngineChoice
    from aios._core import Metrics as Metrics
    from aios._core import Signature as Signature
    from aios._core import SignatureMetrics as SignatureMetrics
    from aios._core import TensorSpec as TensorSpec
    from aios.bridge import TensorFlowCellularBridge as TensorFlowCellularBridge
    from aios.bridge import empty as empty
    from aios.bridge import load as load
    from aios.bundle.manifest import Tolerance as Tolerance
    from aios.errors import AiosError as AiosError
    from aios.errors import CorruptBundleError as CorruptBundleError
    from aios.errors import CorruptHomeError as CorruptHomeError
    from aios.errors import DeadlineExceededError as DeadlineExceededError
    from aios.errors import FailedPreconditionError as FailedPreconditionError
    from aios.errors import InternalError as InternalError
    from aios.errors import InvalidArgumentError as InvalidArgumentError
    from aios.errors import NotFoundError as NotFoundError
    from aios.errors import OverloadedError as OverloadedError
    from aios.errors import UnavailableError as UnavailableError
    from aios.errors import UnsupportedError as UnsupportedError
    from aios.exporting import ExportReport as ExportReport
    from aios.exporting import export as export
    from aios.training import TensorFlowTrainingCell as TensorFlowTrainingCell
    from aios.training import TrainingConfig as TrainingConfig
    from aios.training import TrainingReport as TrainingReport
