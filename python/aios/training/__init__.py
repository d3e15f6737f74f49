"""Training cells: Keras models, trained on TensorFlow and exported as bundles.

Only the cell needs Keras, so a workflow's file may build a `TrainingConfig` without it.
"""

import importlib
from typing import TYPE_CHECKING, Any

from aios.training.config import TrainingConfig
from aios.training.report import TrainingReport

if TYPE_CHECKING:
    from aios.training.cell import TensorFlowTrainingCell

__all__ = ["TensorFlowTrainingCell", "TrainingConfig", "TrainingReport"]


def __getattr__(name: str) -> Any:
    if name == "TensorFlowTrainingCell":
        return importlib.import_module("aios.training.cell").TensorFlowTrainingCell
    raise AttributeError(f"module 'aios.training' has no attribute {name!r}")
