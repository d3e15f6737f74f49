"""gRPC's own health service, for probes: grpc.health.v1.Health.

Its two messages are small: a request with a service's name as field 1, an answer with a number.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from aios.errors import InvalidArgumentError, NotFoundError
from aios.server.grpc_replies import GrpcMethod

SERVICES = (
    "",
    "grpc.health.v1.Health",
    "inference.GRPCInferenceService",
    "tensorflow.serving.ModelService",
    "tensorflow.serving.PredictionService",
)

_SERVICE_TAG = 0x0A
_STATUS_TAG = 0x08


class ServingStatus(IntEnum):
    """As grpc.health.v1 numbers them."""

    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


def health_methods(is_ready: Callable[[], bool]) -> dict[str, GrpcMethod]:
    """Check and Watch, by path; every service is as ready as the server.

    Args:
        is_ready: Whether every model has a version that answers.
    """

    def status() -> ServingStatus:
        return ServingStatus.SERVING if is_ready() else ServingStatus.NOT_SERVING

    def check(message: bytes, _granted: str) -> bytes:
        service = _service(message)
        if service not in SERVICES:
            raise NotFoundError(f"unknown service '{service}': expected one of {SERVICES[1:]}")
        return _answer(status())

    def watch(message: bytes, _granted: str) -> bytes:
        known = _service(message) in SERVICES
        return _answer(status() if known else ServingStatus.SERVICE_UNKNOWN)

    return {"/grpc.health.v1.Health/Check": check, "/grpc.health.v1.Health/Watch": watch}


def _answer(status: ServingStatus) -> bytes:
    return bytes((_STATUS_TAG, status))


def _service(message: bytes) -> str:
    """The name that a HealthCheckRequest asks for; no service's is longer than one byte tells."""
    if not message:
        return ""
    if len(message) < 2 or message[0] != _SERVICE_TAG or message[1] != len(message) - 2:
        raise InvalidArgumentError("expected a HealthCheckRequest with the name of a service")
    return message[2:].decode(errors="replace")
