"""One module per engine, with one function `make` that writes its artifacts into a bundle.

An engine joins with a module here and a row in MAKERS. The order of MAKERS is the stated order of
preference where nothing was measured. One that has lower precisions than float32 also has a
function `reduce`, and a row for each in REDUCERS.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from aios.bridge.core import refusal
from aios.bundle.manifest import ArtifactRecord, Tolerance
from aios.bundle.precision import FLOAT32
from aios.errors import UnsupportedError
from aios.exporting.engines import compiled, litert, openvino, tensorflow
from aios.exporting.golden import GoldenSet
from aios.exporting.reasons import contained
from aios.exporting.sources.base import Source
from aios.proving import Prover

Artifacts = ArtifactRecord | tuple[ArtifactRecord, ...]

#: Writes files below the directory and returns pending records of them; it raises
#: UnsupportedError, whose message is the reason, where the engine can't run the model.
Maker = Callable[[Path, Source, Sequence[GoldenSet], Tolerance, Prover], Artifacts]

MAKERS: dict[str, Maker] = {
    "compiled": compiled.make,
    "litert": litert.make,
    "openvino": openvino.make,
    "tensorflow": tensorflow.make,
}

#: Makes the engine's float32 artifact once more, in the precision named; it raises as a Maker does.
Reducer = Callable[[Path, Source, ArtifactRecord, str], ArtifactRecord]

REDUCERS: dict[tuple[str, str], Reducer] = {
    ("litert", "float16"): litert.reduce,
    ("litert", "int8"): litert.reduce,
    ("openvino", "bfloat16"): openvino.reduce,
}


def make(
    engine: str,
    work: Path,
    source: Source,
    golden: Sequence[GoldenSet],
    tolerances: Mapping[str, Tolerance],
    *,
    prover: Prover,
) -> tuple[ArtifactRecord, ...]:
    """The engine's artifacts, pending or declined with the reason, whatever a maker raises.

    Args:
        engine: One of MAKERS.
        work: The bundle's directory.
        source: What is exported.
        golden: Golden samples of every signature.
        tolerances: Allowed error of each precision to make, float32 among them.
        prover: What runs them where a maker must try.

    Raises:
        Exception: The disk is full; as it was raised.
    """
    try:
        if refusal(engine):
            raise UnsupportedError(
                "it can't be verified without the C++ extension of aios; export where that is "
                "installed"
            )
        made = MAKERS[engine](work, source, golden, tolerances[FLOAT32], prover)
        records = made if isinstance(made, tuple) else (made,)
    except Exception as error:
        records = (_declined(engine, FLOAT32, contained(error)),)
        shutil.rmtree(work / engine, ignore_errors=True)
    records += tuple(
        _reduced(work, source, records[0], precision)
        for precision in tolerances
        if (engine, precision) in REDUCERS
    )
    near = min(item.in_range for item in golden)
    return tuple(
        replace(
            record,
            tolerance=tolerances[record.precision],
            golden_samples=None if record.precision == FLOAT32 else near,
        )
        for record in records
    )


def unmade(engines: Sequence[str], precisions: Iterable[str]) -> tuple[ArtifactRecord, ...]:
    """Precisions that none of the engines has, declined by each."""
    declined = []
    for precision in precisions:
        able = [engine for engine, made in REDUCERS if made == precision]
        if precision != FLOAT32 and not set(able) & set(engines):
            reason = f"it has no {precision} artifacts, as {' and '.join(able)} has"
            declined += [_declined(engine, precision, reason) for engine in engines]
    return tuple(declined)


def _reduced(work: Path, source: Source, base: ArtifactRecord, precision: str) -> ArtifactRecord:
    if base.verdict == "declined":
        return replace(base, precision=precision)
    try:
        return REDUCERS[base.engine, precision](work, source, base, precision)
    except Exception as error:
        shutil.rmtree(work / base.engine / precision, ignore_errors=True)
        return _declined(base.engine, precision, contained(error))


def _declined(engine: str, precision: str, reason: str) -> ArtifactRecord:
    return ArtifactRecord(engine, "any", precision, "declined", reason=reason)
