"""One module per engine, with one function `make` that writes its artifact into a bundle.

An engine joins with a module here and a row in MAKERS. The order of MAKERS is the stated order of
preference where nothing was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aios.bundle.manifest import ArtifactRecord, Tolerance
from aios.errors import UnsupportedError
from aios.exporting.engines import litert, tensorflow
from aios.exporting.golden import GoldenSet
from aios.exporting.sources.base import Source

#: Writes files below the directory and returns a pending record of them; it raises
#: UnsupportedError, whose message is the reason, where the engine can't run the model.
Maker = Callable[[Path, Source, Sequence[GoldenSet], Tolerance], ArtifactRecord]

MAKERS: dict[str, Maker] = {"litert": litert.make, "tensorflow": tensorflow.make}


def make(
    engine: str, work: Path, source: Source, golden: Sequence[GoldenSet], tolerance: Tolerance
) -> ArtifactRecord:
    """The engine's artifact: pending, or declined with the reason."""
    try:
        record = MAKERS[engine](work, source, golden, tolerance)
    except UnsupportedError as error:
        record = ArtifactRecord(engine, "any", "float32", "declined", reason=str(error))
    return replace(record, tolerance=tolerance)
