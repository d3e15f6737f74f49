"""AIOS Cells: train in Keras, run in C++ in microseconds, with proof that the answers are the same.

Importing this package imports nothing heavy: every public name is loaded at its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from aios.version import __version__ as __version__

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
    "PermissionDeniedError",
    "PurePythonWarning",
    "UnavailableError",
    "UnsupportedError",
    "WorkflowFailedError",
)

_MESSAGES = (
    "DriftDetected",
    "GateDecided",
    "Message",
    "ModelDeployed",
    "ModelExported",
    "ModelRegistered",
    "ModelRolledBack",
    "ModelTrained",
    "ModelVerified",
    "RunFinished",
    "RunStarted",
    "RunTakenOver",
    "StepFinished",
    "StepStarted",
    "TrainingProgress",
)

_HOME_OF = dict.fromkeys(_ERRORS, "aios.errors") | {
    **dict.fromkeys(_MESSAGES, "aios.home.messages"),
    "AICellManager": "aios.workflow.manager",
    "BenchmarkResult": "aios.bridge",
    "Client": "aios.server.client",
    "EngineChoice": "aios.bridge",
    "ExportReport": "aios.exporting",
    "FileRef": "aios.home.content_store",
    "Gates": "aios.workflow.gates",
    "Metrics": "aios.bridge",
    "ModelConfig": "aios.server.config",
    "PruneReport": "aios.registry.retention",
    "Retention": "aios.registry.retention",
    "RunReport": "aios.workflow.execution.reports",
    "Server": "aios.server.server",
    "ServerConfig": "aios.server.config",
    "Signature": "aios.bridge",
    "SignatureMetrics": "aios.bridge",
    "StepContext": "aios.workflow.execution.context",
    "Stream": "aios.bridge",
    "TensorFlowCellularBridge": "aios.bridge",
    "TensorFlowTrainingCell": "aios.training",
    "TensorSpec": "aios.bridge",
    "Tolerance": "aios.bundle.manifest",
    "TrainingConfig": "aios.training.config",
    "TrainingData": "aios.workflow.pipeline.training_data",
    "TrainingReport": "aios.training.report",
    "Workflow": "aios.workflow.workflow",
    "empty": "aios.bridge",
    "export": "aios.exporting",
    "load": "aios.bridge",
    "step": "aios.workflow.steps",
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
    from aios._core import Stream as Stream
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
    from aios.errors import PermissionDeniedError as PermissionDeniedError
    from aios.errors import PurePythonWarning as PurePythonWarning
    from aios.errors import UnavailableError as UnavailableError
    from aios.errors import UnsupportedError as UnsupportedError
    from aios.errors import WorkflowFailedError as WorkflowFailedError
    from aios.exporting import ExportReport as ExportReport
    from aios.exporting import export as export
    from aios.home.content_store import FileRef as FileRef
    from aios.home.messages import DriftDetected as DriftDetected
    from aios.home.messages import GateDecided as GateDecided
    from aios.home.messages import Message as Message
    from aios.home.messages import ModelDeployed as ModelDeployed
    from aios.home.messages import ModelExported as ModelExported
    from aios.home.messages import ModelRegistered as ModelRegistered
    from aios.home.messages import ModelRolledBack as ModelRolledBack
    from aios.home.messages import ModelTrained as ModelTrained
    from aios.home.messages import ModelVerified as ModelVerified
    from aios.home.messages import RunFinished as RunFinished
    from aios.home.messages import RunStarted as RunStarted
    from aios.home.messages import RunTakenOver as RunTakenOver
    from aios.home.messages import StepFinished as StepFinished
    from aios.home.messages import StepStarted as StepStarted
    from aios.home.messages import TrainingProgress as TrainingProgress
    from aios.registry.retention import PruneReport as PruneReport
    from aios.registry.retention import Retention as Retention
    from aios.server.client import Client as Client
    from aios.server.config import ModelConfig as ModelConfig
    from aios.server.config import ServerConfig as ServerConfig
    from aios.server.server import Server as Server
    from aios.training import TensorFlowTrainingCell as TensorFlowTrainingCell
    from aios.training import TrainingConfig as TrainingConfig
    from aios.training import TrainingReport as TrainingReport
    from aios.workflow.execution.context import StepContext as StepContext
    from aios.workflow.execution.reports import RunReport as RunReport
    from aios.workflow.gates import Gates as Gates
    from aios.workflow.manager import AICellManager as AICellManager
    from aios.workflow.pipeline.training_data import TrainingData as TrainingData
    from aios.workflow.steps import step as step
    from aios.workflow.workflow import Workflow as Workflow
