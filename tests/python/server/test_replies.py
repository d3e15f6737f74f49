import json

import pytest

import aios
from aios.server.replies import Reply, error_reply, json_reply, reply_to, route

ROUTES = [
    route("GET", "/v2/models/(?P<name>[^/]+)", lambda name: json_reply({"name": name})),
    route("POST", "/v2/echo", lambda body: Reply(200, body)),
    route("GET", "/v1/broken", lambda: error_reply(aios.UnavailableError("loading"))),
]


def ask(method, target, body=b""):
    reply = reply_to(ROUTES, method, target, body)
    return reply.status, json.loads(reply.body)


def test_named_groups_are_decoded_arguments():
    assert ask("GET", "/v2/models/a%20b?x=1") == (200, {"name": "a b"})
    assert ask("HEAD", "/v2/models/m") == (200, {"name": "m"})
    assert ask("POST", "/v2/echo", b"[1]") == (200, [1])


def test_what_no_route_takes_is_told_as_each_protocol_does():
    assert ask("GET", "/v2/nothing") == (404, {"error": "Not Found"})
    assert ask("PUT", "/v2/echo") == (405, {"error": "Method Not Allowed"})
    for method, target in (("POST", "/v1/models/m:foo"), ("DELETE", "/v1/broken")):
        assert ask(method, target) == (400, {"error": f"Malformed request: {method} {target}"})


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (aios.InvalidArgumentError, 400),
        (aios.FailedPreconditionError, 400),
        (aios.NotFoundError, 404),
        (aios.PermissionDeniedError, 403),
        (aios.OverloadedError, 429),
        (aios.UnsupportedError, 501),
        (aios.UnavailableError, 503),
        (aios.DeadlineExceededError, 504),
        (aios.CorruptBundleError, 500),
        (aios.InternalError, 500),
    ],
)
def test_an_error_has_the_status_of_its_class(error, status):
    assert error_reply(error("why")) == json_reply({"error": "why"}, status)
    (raising,) = [route("GET", "/", lambda: (_ for _ in ()).throw(error("why")))]
    assert reply_to([raising], "GET", "/", b"").status == status


@pytest.mark.parametrize(
    ("granted", "looking", "changing"),
    [("open", 401, 401), ("infer", 200, 403), ("admin", 200, 200)],
)
def test_looking_needs_the_scope_infer_and_changing_needs_admin(granted, looking, changing):
    assert reply_to(ROUTES, "GET", "/v2/models/m", b"", granted).status == looking
    assert reply_to(ROUTES, "POST", "/v2/echo", b"[1]", granted).status == changing
    health = [route("GET", "/health", lambda: json_reply({}), scope="open")]
    assert reply_to(health, "GET", "/health", b"", granted).status == 200


@pytest.mark.parametrize("target", ["//x/v2/models/m", "//[", "//[/v2/models/m"])
def test_a_target_is_taken_as_a_path_whatever_it_begins_with(target):
    assert ask("GET", target) == (404, {"error": "Not Found"})
