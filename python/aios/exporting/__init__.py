"""From a trained model to a self-checking bundle. Importing this package imports TensorFlow."""

from aios.exporting.exporter import ExportReport, export

__all__ = ["ExportReport", "export"]
