"""Answers the requests that the data plane leaves to Python, one after another."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from aios.server.encodings import BodyError, decoded, encoded
from aios.server.grpc_methods import LONG_METHODS
from aios.server.grpc_replies import GrpcMethod, grpc_reply_to
from aios.server.replies import Matched, Reply, Route, answer_of, json_reply, match

if TYPE_CHECKING:
    from aios._core import DataPlane, ServerRequest

#: What the data plane hands over at most.
_MOST_BODY_BYTES = 1 << 20


class ControlLane:
    """A thread for requests, and one beside it for those that take long.

    Args:
        plane: Where requests come from and answers go to; closing it ends the lane.
        routes: Who answers which.
        methods: The same of gRPC, by path.
    """

    def __init__(
        self, plane: DataPlane, routes: Sequence[Route], methods: Mapping[str, GrpcMethod]
    ) -> None:
        self._plane, self._routes, self._methods = plane, routes, methods
        self._long = ThreadPoolExecutor(1, thread_name_prefix="aios-server-control")
        self._thread = threading.Thread(target=self._run, name="aios-server", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Waits until the plane was closed and what came before is answered."""
        self._thread.join()
        self._long.shutdown(cancel_futures=True)

    def _run(self) -> None:
        while (request := self._plane.take()) is not None:
            if request.is_grpc:
                self._take_call(request)
                continue
            found = match(self._routes, request.method, request.target, request.granted)
            if isinstance(found, Matched) and found.route.is_long:
                self._long.submit(self._answer, request, found)
            else:
                self._answer(request, found)

    def _take_call(self, request: ServerRequest) -> None:
        if request.target in LONG_METHODS:
            self._long.submit(self._answer_call, request)
        else:
            self._answer_call(request)

    def _answer_call(self, request: ServerRequest) -> None:
        reply = grpc_reply_to(self._methods, request.target, request.body, request.granted)
        self._plane.respond_grpc(request, *reply)

    def _answer(self, request: ServerRequest, found: Matched | Reply) -> None:
        reply = encoded(self._reply(request, found), request.accept_encoding)
        headers = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        self._plane.respond(
            request, reply.status, reply.body, content_type=reply.content_type, headers=headers
        )

    def _reply(self, request: ServerRequest, found: Matched | Reply) -> Reply:
        if isinstance(found, Reply):
            return found
        try:
            body = decoded(request.body, request.content_encoding, _MOST_BODY_BYTES)
            return answer_of(found, body)
        except BodyError as error:
            return error.reply
        except Exception as error:
            return json_reply({"error": f"{type(error).__name__}: {error}"}, 500)
