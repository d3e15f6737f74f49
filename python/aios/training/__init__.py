"""Training cells: Keras models, trained on TensorFlow and exported as bundles."""

from aios.training.cell import TensorFlowTrainingCell
from aios.training.config import TrainingConfig
from aios.training.report import TrainingReport

__all__ = ["TensorFlowTrainingCell", "TrainingConfig", "TrainingReport"]
