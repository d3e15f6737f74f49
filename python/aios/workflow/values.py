"""Reading what steps have stored, with every data class that it may hold."""

from __future__ import annotations

from typing import Final

from aios.home.codec import load_element, load_value
from aios.workflow.gates import Check, Verdict
from aios.workflow.pipeline.training_data import TrainingData

__all__ = ["KINDS", "load_element", "load_value"]

#: The `storable` classes of workflows. Whoever reads values by this module has imported them.
KINDS: Final = (Check, TrainingData, Verdict)
