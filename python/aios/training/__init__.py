"""Training cells: Keras models, trained on TensorFlow and exported as bundles.

Only the cell needs Keras, so a workflow's file may build a `TrainingConfig` without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aios.errors import NotFoundError
from aios.installed import TRAINING, require
from aios.tensorflow_log import only_errors
from aios.training.config import TrainingConfig
from aios.training.report import TrainingReport

if TYPE_CHECKING:
    from aios.training.cell import TensorFlowTrainingCell

__all__ = ["TensorFlowTrainingCell", "TrainingConfig", "TrainingReport"]


def __getattr__(name: str) -> Any:
    # A config can be built, and a report read, where TensorFlow isn't installed.
    if name != "TensorFlowTrainingCell":
        raise AttributeError(f"module 'aios.training' has no attribute {name!r}")
    require(TRAINING, "a training cell", "tensorflow")
    try:
        with only_errors():
            from aios.training.cell import TensorFlowTrainingCell
    except (ImportError, ValueError) as error:
        raise NotFoundError(
            f"a training cell needs Keras on TensorFlow, but importing them fails: {error}; unset "
            "KERAS_BACKEND or set it to tensorflow, and pip install aios-cells[tensorflow]"
        ) from error
    return TensorFlowTrainingCell
