"""TensorFlow Serving's routes that call no model: status and metadata.

Shapes of the documents: tensorflow/serving, apis/get_model_status.proto and
apis/get_model_metadata.proto, printed as JSON with the fields' own names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aios.errors import AiosError, NotFoundError
from aios.server.library import ModelEntry, ModelLibrary, State
from aios.server.replies import Reply, Route, json_reply, route

_MODEL = (
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
)

_DTYPES = {
    "bool": "DT_BOOL", "int8": "DT_INT8", "uint8": "DT_UINT8", "int16": "DT_INT16",
    "uint16": "DT_UINT16", "int32": "DT_INT32", "uint32": "DT_UINT32", "int64": "DT_INT64",
    "uint64": "DT_UINT64", "float16": "DT_HALF", "float32": "DT_FLOAT", "float64": "DT_DOUBLE",
    "string": "DT_STRING", "bfloat16": "DT_BFLOAT16",
}  # fmt: skip

#: gRPC's names of the codes that a model's error may have.
_CODES = {
    2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND",
    8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 12: "UNIMPLEMENTED", 13: "INTERNAL",
    14: "UNAVAILABLE", 15: "DATA_LOSS",
}  # fmt: skip


def routes(library: ModelLibrary) -> list[Route]:
    """The routes under /v1 that Python answers."""

    def status(name: str, version: str | None, label: str | None) -> Reply:
        entries = _versions(library, name, version, label)
        return json_reply({"model_version_status": [_status(entry) for entry in entries]})

    def metadata(name: str, version: str | None, label: str | None) -> Reply:
        return json_reply(_metadata(_answering(library, name, version, label)))

    return [
        route("GET", _MODEL, status),
        route("GET", _MODEL + "/metadata", metadata),
    ]


def _versions(
    library: ModelLibrary, name: str, version: str | None, label: str | None
) -> Sequence[ModelEntry]:
    """Versions of a model, the newest first; only the one that is asked for.

    Raises:
        NotFoundError: There is none.
    """
    if label is not None:
        version = str(_labelled(library, name, label))
    entries = [entry for entry in library.entries() if entry.key.name == name]
    if not entries:
        raise NotFoundError(f"Could not find any versions of model {name}")
    if version is not None:
        entries = [entry for entry in entries if entry.key.version == int(version)]
        if not entries:
            raise NotFoundError(f"Could not find version {int(version)} of model {name}")
    return entries[::-1]


def _labelled(library: ModelLibrary, name: str, label: str) -> int:
    known = library.routes().get(name)
    if known is None or label not in known.labels:
        raise NotFoundError(f"Unrecognized servable version label: {label}")
    return known.labels[label]


def _answering(
    library: ModelLibrary, name: str, version: str | None, label: str | None
) -> ModelEntry:
    entries = [e for e in _versions(library, name, version, label) if e.model is not None]
    if entries:
        usual = library.usual(name)
        return next((entry for entry in entries if entry.key.version == usual), entries[0])
    asked = f"Latest({name})" if version is None else f"Specific({name}, {int(version)})"
    raise NotFoundError(f"Servable not found for request: {asked}")


def _status(entry: ModelEntry) -> dict[str, Any]:
    failed: AiosError | None = entry.error if entry.state is State.END else None
    return {
        "version": str(entry.key.version),
        "state": entry.state.value,
        "status": {
            "error_code": "OK" if failed is None else _CODES.get(failed.code, "UNKNOWN"),
            "error_message": "" if failed is None else str(failed),
        },
    }


def _metadata(entry: ModelEntry) -> dict[str, Any]:
    assert entry.bridge is not None
    signatures = {
        signature.name: {
            "inputs": {spec.name: _tensor(spec) for spec in signature.inputs},
            "outputs": {spec.name: _tensor(spec) for spec in signature.outputs},
            "method_name": "tensorflow/serving/predict",
        }
        for signature in entry.bridge.signatures
    }
    return {
        "model_spec": {
            "name": entry.key.name,
            "signature_name": "",
            "version": str(entry.key.version),
        },
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _tensor(spec: Any) -> dict[str, Any]:
    dims = [{"size": str(size), "name": ""} for size in spec.shape]
    return {
        "dtype": _DTYPES[spec.dtype],
        "tensor_shape": {"dim": dims, "unknown_rank": False},
        "name": spec.name,
    }
