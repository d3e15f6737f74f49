import json
import queue
import threading
from types import SimpleNamespace

import pytest

from aios.server.control_lane import ControlLane
from aios.server.replies import json_reply, route

_DEADLINE_S = 30
LONG_METHOD = "/inference.GRPCInferenceService/RepositoryModelLoad"


class Plane:
    """Hands out requests and collects answers, as the data plane does."""

    def __init__(self):
        self.requests, self.answers = queue.SimpleQueue(), queue.SimpleQueue()

    def take(self):
        return self.requests.get()

    def respond(self, request, status, body, *, content_type, headers):
        self.answers.put((request.target, status, json.loads(body)))

    def respond_grpc(self, request, code, message, body):
        self.answers.put((request.target, code, message or body))

    def ask(self, target, method="GET", **fields):
        given = {
            "is_grpc": False, "granted": "admin", "body": b"",
            "content_encoding": "", "accept_encoding": "",
        }  # fmt: skip
        self.requests.put(SimpleNamespace(method=method, target=target, **{**given, **fields}))

    def answer(self):
        return self.answers.get(timeout=_DEADLINE_S)


def broken():
    raise RuntimeError("bug")


@pytest.fixture
def started():
    """A lane, its plane and an event that a long route waits for."""
    released = threading.Event()

    def wait():
        return json_reply(released.wait(_DEADLINE_S))

    routes = [
        route("GET", "/long", wait, is_long=True),
        route("GET", "/quick", lambda: json_reply("quick")),
        route("GET", "/broken", broken),
        route("GET", "/admin", lambda: json_reply("done"), scope="admin"),
        route("POST", "/echo", lambda body: json_reply(body.decode())),
    ]
    methods = {
        LONG_METHOD: lambda message, _granted: message if released.wait(_DEADLINE_S) else b"",
        "/a.B/C": lambda message, granted: message + granted.encode(),
    }
    planes = []

    def start():
        plane = Plane()
        planes.append((plane, ControlLane(plane, routes, methods)))
        return plane

    yield start, released
    released.set()
    for plane, lane in planes:
        plane.requests.put(None)
        lane.join()


def test_what_takes_long_keeps_nothing_else_waiting(started):
    start, released = started
    plane = start()
    plane.ask("/long")
    plane.ask("/quick")
    assert plane.answer() == ("/quick", 200, "quick")
    released.set()
    assert plane.answer() == ("/long", 200, True)


def test_a_call_by_grpc_is_answered_and_a_long_one_keeps_nothing_else_waiting(started):
    start, released = started
    plane = start()
    plane.ask(LONG_METHOD, is_grpc=True, body=b"1")
    plane.ask("/a.B/C", is_grpc=True, body=b"2")
    assert plane.answer() == ("/a.B/C", 0, b"2admin")
    plane.ask("/a.B/D", is_grpc=True)
    assert plane.answer() == ("/a.B/D", 12, "this server has no method /a.B/D")
    released.set()
    assert plane.answer() == (LONG_METHOD, 0, b"1")


def test_a_bug_is_an_answer_too(started):
    plane = started[0]()
    plane.ask("/broken")
    plane.ask("/quick")
    assert plane.answer() == ("/broken", 500, {"error": "RuntimeError: bug"})
    assert plane.answer()[1] == 200


def test_a_client_is_answered_what_it_may_ask(started):
    plane = started[0]()
    for granted, status in (("admin", 200), ("infer", 403), ("open", 401)):
        plane.ask("/admin", granted=granted)
        assert plane.answer()[1] == status


def test_a_body_in_an_unknown_encoding_is_refused(started):
    plane = started[0]()
    plane.ask("/echo", "POST", content_encoding="br")
    assert plane.answer()[1] == 415
    plane.ask("/echo", "POST", body=b"x")
    assert plane.answer() == ("/echo", 200, "x")
