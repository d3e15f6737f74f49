"""What an export tells of engines that it couldn't make artifacts for."""

from aios.bundle.manifest import ArtifactRecord, Manifest
from aios.exporting.report import declined_engines

MISSING = "engine 'openvino' not installed: pip install aios-cells[openvino]"


def _declined(*artifacts):
    records = tuple(
        ArtifactRecord(engine, "any", precision, verdict="declined", files=(), reason=reason)
        for engine, precision, reason in artifacts
    )
    return declined_engines(Manifest((), records, (), "golden.safetensors", None, {}))


def test_a_missing_engine_is_told_once_for_all_its_precisions():
    told = _declined(("openvino", "float32", MISSING), ("openvino", "bfloat16", MISSING))
    assert told == (f"engine 'openvino' declined: {MISSING}",)


def test_lower_precisions_alone_are_named():
    told = _declined(("litert", "float16", "no"), ("litert", "int8", "no"))
    assert told == ("engine 'litert' declined in float16 and int8: no",)


def test_other_reasons_are_told_apart():
    told = _declined(
        ("litert", "float32", "a"), ("litert", "int8", "b"), ("compiled", "float32", "a")
    )
    assert told == (
        "engine 'litert' declined: a",
        "engine 'litert' declined in int8: b",
        "engine 'compiled' declined: a",
    )
