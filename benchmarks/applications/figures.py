"""What is measured of one application."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """One artifact.

    Attributes:
        engine: Whose.
        target: For which processor; "any" but for compiled code.
        verdict: Of the export.
        reason: Why it isn't "passed".
        tolerances: The largest error against Keras over all golden samples, in tolerances.
        size_bytes: What a user ships: for compiled code, its library and weights.
        p50_ms: Latency of one image on one thread; None where the engine doesn't serve.
    """

    engine: str
    target: str
    verdict: str
    reason: str = ""
    tolerances: float | None = None
    size_bytes: int = 0
    p50_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """One application.

    Attributes:
        name: The application.
        parameters: Of the model.
        engines: Its artifacts.
        export_s: Wall time of `aios.export`.
        peak_bytes: The most memory that the export and its children had at one time.
        compile_s: Wall time from the graphs to the files of all compiled targets, side by side.
        compile_cpu_s: Processor time of the same.
        exact_error: Median over images of the compiled engine's largest error when compiled
            exactly, against float64, as a part of the largest answer.
        litert_error: The same of LiteRT.
        failed: Why there is no bundle; "" if there is one.
    """

    name: str
    parameters: int = 0
    engines: tuple[EngineFigures, ...] = ()
    export_s: float = 0.0
    peak_bytes: int = 0
    compile_s: float = 0.0
    compile_cpu_s: float = 0.0
    exact_error: float | None = None
    litert_error: float | None = None
    failed: str = ""

    def write(self, path: Path) -> None:
        """Writes them as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def read(path: Path) -> Figures:
    """Reads what `Figures.write` wrote."""
    return from_dict(json.loads(path.read_text()))


def from_dict(found: dict[str, Any]) -> Figures:
    """The figures that a JSON object holds."""
    engines = tuple(EngineFigures(**item) for item in found.pop("engines"))
    return Figures(engines=engines, **found)
