"""gRPC's methods that call no model, answered by the routes that answer the same over REST.

A request becomes one of a route, and the JSON that the route answers becomes the method's message.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from aios.errors import (
    AiosError,
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    UnavailableError,
    UnsupportedError,
)
from aios.server.grpc_reflection import Reflection
from aios.server.grpc_replies import GrpcMethod
from aios.server.proto_codec import Codec
from aios.server.proto_schema import MethodSchema, Schemas
from aios.server.replies import Reply, Route, reply_to

#: Where the services are that this server has, and whose methods are all known.
_FILES = (
    "inference.proto",
    "tensorflow_serving.proto",
    "grpc_health_v1.proto",
    "grpc_reflection_v1.proto",
    "grpc_reflection_v1alpha.proto",
)

_KSERVE = "inference.GRPCInferenceService"
_TENSORFLOW_SERVING = "tensorflow.serving"

#: Methods that may take long: others must not wait for them.
LONG_METHODS = frozenset(
    f"/{_KSERVE}/{name}" for name in ("RepositoryModelLoad", "RepositoryModelUnload")
)


class UnauthenticatedError(AiosError):
    """The client showed no token that the server knows."""

    code = 16


_ERRORS: dict[int, type[AiosError]] = {
    400: InvalidArgumentError,
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: UnsupportedError,
    429: OverloadedError,
    501: UnsupportedError,
    503: UnavailableError,
    504: DeadlineExceededError,
}
#: What a route answers where a client isn't allowed to ask.
_REFUSED = (401, 403)

_Document = dict[str, Any]


class _Rest:
    """Asks the routes for a client."""

    def __init__(self, routes: Sequence[Route], granted: str) -> None:
        self._routes, self._granted = routes, granted

    def get(self, path: str) -> Any:
        """The JSON at a path. Raises what its status says."""
        return _read(reply_to(self._routes, "GET", path, b"", self._granted))

    def post(self, path: str, document: _Document) -> Any:
        """The JSON that is answered to a document; None where there is none."""
        body = json.dumps(document).encode()
        return _read(reply_to(self._routes, "POST", path, body, self._granted))

    def is_well(self, path: str) -> bool:
        """Whether the answer is 200."""
        reply = reply_to(self._routes, "GET", path, b"", self._granted)
        if reply.status in _REFUSED:
            _read(reply)
        return reply.status == 200


def _read(reply: Reply) -> Any:
    document = json.loads(reply.body) if reply.body else None
    if reply.status == 200:
        return document
    message = document["error"] if isinstance(document, dict) else f"status {reply.status}"
    raise _ERRORS.get(reply.status, InternalError)(message)


#: Makes an answer of a request.
_Answer = Callable[[_Rest, _Document], Any]


def methods(routes: Sequence[Route]) -> dict[str, GrpcMethod]:
    """Every method that Python answers but health, by its path.

    Args:
        routes: What is answered over REST.
    """
    schemas = Schemas(*_FILES)
    codec = Codec(schemas)
    answers = {**_KSERVE_ANSWERS, **_tensorflow_serving(codec)}
    known = {
        f"/{service.name}/{method.name}": _over(routes, codec, method, answers[method.name])
        for schema in schemas.files.values()
        for service in schema.services
        for method in service.methods
        if method.name in answers
    }
    reflection = Reflection(schemas)
    for version in ("v1", "v1alpha"):
        path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        known[path] = reflection.method(version)
    return known


def _over(
    routes: Sequence[Route], codec: Codec, method: MethodSchema, answer: _Answer
) -> GrpcMethod:
    def call(message: bytes, granted: str) -> bytes:
        asked = codec.decode(method.input, message)
        return codec.encode(method.output, answer(_Rest(routes, granted), asked))

    return call


def _index(rest: _Rest, asked: _Document) -> _Document:
    return {"models": rest.post("/v2/repository/index", {"ready": asked["ready"]})}


def _change(what: str) -> _Answer:
    def change(rest: _Rest, asked: _Document) -> _Document:
        parameters = {name: _parameter(value) for name, value in asked["parameters"].items()}
        path = f"/v2/repository/models/{_quoted(asked['model_name'])}/{what}"
        rest.post(path, {"parameters": parameters})
        return {}

    return change


def _statistics(rest: _Rest, asked: _Document) -> Any:
    model = _kserve_path(asked) if asked["name"] else "/v2/models"
    return rest.get(f"{model}/stats")


_KSERVE_ANSWERS: dict[str, _Answer] = {
    "ServerLive": lambda rest, _asked: {"live": rest.is_well("/v2/health/live")},
    "ServerReady": lambda rest, _asked: {"ready": rest.is_well("/v2/health/ready")},
    "ModelReady": lambda rest, asked: {"ready": rest.is_well(f"{_kserve_path(asked)}/ready")},
    "ServerMetadata": lambda rest, _asked: rest.get("/v2"),
    "ModelMetadata": lambda rest, asked: rest.get(_kserve_path(asked)),
    "ModelConfig": lambda rest, asked: {"config": rest.get(f"{_kserve_path(asked)}/config")},
    "ModelStatistics": _statistics,
    "RepositoryIndex": _index,
    "RepositoryModelLoad": _change("load"),
    "RepositoryModelUnload": _change("unload"),
}


def _tensorflow_serving(codec: Codec) -> dict[str, _Answer]:
    signatures = f"{_TENSORFLOW_SERVING}.SignatureDefMap"

    def metadata(rest: _Rest, asked: _Document) -> _Document:
        _check_metadata_fields(asked["metadata_field"])
        found = rest.get(f"{_serving_path(asked)}/metadata")
        spec = found["model_spec"]
        packed = {
            "type_url": f"type.googleapis.com/{signatures}",
            "value": codec.encode(signatures, found["metadata"]["signature_def"]),
        }
        return {
            "model_spec": {"name": spec["name"], "version": {"value": spec["version"]}},
            "metadata": {"signature_def": packed},
        }

    def reload(_rest: _Rest, _asked: _Document) -> _Document:
        raise UnsupportedError(
            "HandleReloadConfigRequest isn't supported: models are what the server's folder holds, "
            "and are loaded and unloaded as it changes"
        )

    return {
        "GetModelStatus": lambda rest, asked: rest.get(_serving_path(asked)),
        "GetModelMetadata": metadata,
        "HandleReloadConfigRequest": reload,
    }


def _check_metadata_fields(fields: Sequence[str]) -> None:
    if not fields:
        raise InvalidArgumentError(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for name in fields:
        if name != "signature_def":
            raise InvalidArgumentError(f"Metadata field {name} is not supported")


def _kserve_path(asked: Mapping[str, str]) -> str:
    if not asked["name"]:
        raise InvalidArgumentError("expected a model's name, got none")
    version = asked["version"]
    if version and not (version.isascii() and version.isdigit()):
        raise InvalidArgumentError(
            f"failed to get model version from specified version string '{version}': expected a "
            "whole number"
        )
    path = f"/v2/models/{_quoted(asked['name'])}"
    return f"{path}/versions/{version}" if version else path


def _serving_path(asked: _Document) -> str:
    if "model_spec" not in asked:
        raise InvalidArgumentError("Missing ModelSpec")
    spec = asked["model_spec"]
    if not spec["name"]:
        raise InvalidArgumentError("ModelSpec has no name specified.")
    path = f"/v1/models/{_quoted(spec['name'])}"
    if "version_label" in spec:
        return f"{path}/labels/{_quoted(spec['version_label'])}"
    version = spec.get("version")
    return path if version is None else f"{path}/versions/{version['value']}"


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _parameter(choice: Mapping[str, Any]) -> Any:
    """The value of a parameter; of bytes, that there are some."""
    value = next(iter(choice.values()), None)
    return "" if isinstance(value, bytes) else value
