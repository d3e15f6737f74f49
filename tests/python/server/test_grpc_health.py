"""The health service: what probes ask, and what they are told."""

import pytest

import aios
from aios.server.grpc_health import SERVICES, ServingStatus, health_methods

CHECK, WATCH = "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"


def _request(service):
    return b"\x0a" + bytes([len(service)]) + service.encode() if service else b""


def _status(answer):
    assert answer[0] == 8
    return ServingStatus(answer[1])


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_is_as_ready_as_the_server(service):
    for is_ready, status in [(True, ServingStatus.SERVING), (False, ServingStatus.NOT_SERVING)]:
        methods = health_methods(lambda is_ready=is_ready: is_ready)
        assert _status(methods[CHECK](_request(service), "open")) == status
        assert _status(methods[WATCH](_request(service), "open")) == status


def test_an_unknown_service_is_not_found_and_may_be_watched():
    methods = health_methods(lambda: True)
    with pytest.raises(aios.NotFoundError, match="unknown service 'nobody'"):
        methods[CHECK](_request("nobody"), "open")
    assert _status(methods[WATCH](_request("nobody"), "open")) == ServingStatus.SERVICE_UNKNOWN


@pytest.mark.parametrize("message", [b"\x0a", b"\x0a\x05a", b"\x08\x01", b"\x0a\x01ab"])
def test_what_is_no_request_is_refused(message):
    with pytest.raises(aios.InvalidArgumentError, match="expected a HealthCheckRequest"):
        health_methods(lambda: True)[CHECK](message, "open")
