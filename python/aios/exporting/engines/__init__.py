"""One module per engine, with one function `make` that writes its artifacts into a bundle.

An engine joins with a module here and a row in MAKERS. The order of MAKERS is the stated order of
preference where nothing was measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aios.bridge.core import refusal
from aios.bundle.manifest import ArtifactRecord, Tolerance
from aios.errors import UnsupportedError
from aios.exporting.engines import compiled, litert, openvino, tensorflow
from aios.exporting.golden import GoldenSet
from aios.exporting.sources.base import Source

Artifacts = ArtifactRecord | tuple[ArtifactRecord, ...]

#: Writes files below the directory and returns pending records of them; it raises
#: UnsupportedError, whose message is the reason, where the engine can't run the model.
Maker = Callable[[Path, Source, Sequence[GoldenSet], Tolerance], Artifacts]

MAKERS: dict[str, Maker] = {
    "compiled": compiled.make,
    "litert": litert.make,
    "openvino": openvino.make,
    "tensorflow": tensorflow.make,
}


def make(
    engine: str, work: Path, source: Source, golden: Sequence[GoldenSet], tolerance: Tolerance
) -> tuple[ArtifactRecord, ...]:
    """The engine's artifacts: pending, or one declined with the reason."""
    try:
        if why := refusal(engine):
            raise UnsupportedError(why)
        made = MAKERS[engine](work, source, golden, tolerance)
    except UnsupportedError as error:
        made = ArtifactRecord(engine, "any", "float32", "declined", reason=str(error))
        shutil.rmtree(work / engine, ignore_errors=True)
    records = made if isinstance(made, tuple) else (made,)
    return tuple(replace(record, tolerance=tolerance) for record in records)
