"""The names of the extension `aios._core`, in pure Python, for where it can't be built.

The same checks, errors and verdicts; models run on LiteRT's or TensorFlow's Python interpreter.
"""

from aios.bridge.fallback.cell import Cell
from aios.bridge.fallback.engine import check_libraries_with, report_phases
from aios.bridge.fallback.engine_table import engines
from aios.bridge.fallback.loaded_model import verify_bundle
from aios.bridge.fallback.records import (
    ArtifactVerification,
    BenchmarkResult,
    EngineChoice,
    EngineFacts,
    LatencyBucket,
    Metrics,
    Signature,
    SignatureMetrics,
    TensorSpec,
)
from aios.bridge.fallback.stream import Stream
from aios.bridge.fallback.submissions import Submissions
from aios.bridge.fallback.threads import cgroup_cpus, thread_budget, usable_cpus

fast_inference = Cell.perform_inference

__all__ = [
    "ArtifactVerification",
    "BenchmarkResult",
    "Cell",
    "EngineChoice",
    "EngineFacts",
    "LatencyBucket",
    "Metrics",
    "Signature",
    "SignatureMetrics",
    "Stream",
    "Submissions",
    "TensorSpec",
    "cgroup_cpus",
    "check_libraries_with",
    "engines",
    "fast_inference",
    "report_phases",
    "thread_budget",
    "usable_cpus",
    "verify_bundle",
]
