"""From a trained model to a self-checking bundle. Exporting imports TensorFlow."""

from aios.installed import TRAINING, require

# Before the modules that import them: the message names the extra.
require(TRAINING, "exporting", "tensorflow")

from aios.exporting.exporter import export  # noqa: E402
from aios.exporting.report import ExportReport  # noqa: E402

__all__ = ["ExportReport", "export"]
