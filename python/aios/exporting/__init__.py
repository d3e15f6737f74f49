"""From a trained model to a self-checking bundle. Exporting imports TensorFlow."""

from aios.exporting.exporter import export
from aios.exporting.report import ExportReport

__all__ = ["ExportReport", "export"]
