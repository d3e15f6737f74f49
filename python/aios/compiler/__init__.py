"""The compiler: static-batch `.tflite` graphs become specialised C++, and that a shared object."""

from __future__ import annotations

from aios.compiler.artifact import CompiledArtifact, compile_graphs, declined_operators
from aios.compiler.sources import emit_sources

__all__ = ["CompiledArtifact", "compile_graphs", "declined_operators", "emit_sources"]
