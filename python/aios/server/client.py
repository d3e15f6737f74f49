"""`aios.Client`: arrays to a server and back, over HTTP connections that are kept."""

from __future__ import annotations

import http.client
import json
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import numpy as np

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
from aios.server.binary_tensors import Array, datatype_of, from_binary, to_binary
from aios.server.transports import Connection, PathText, Transport

_LENGTH = "Inference-Header-Content-Length"
_FIRST_PAUSE_S = 0.05
_ERRORS: dict[int, type[AiosError]] = {
    400: InvalidArgumentError,
    401: PermissionDeniedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: InvalidArgumentError,
    429: OverloadedError,
    501: UnsupportedError,
    503: UnavailableError,
    504: DeadlineExceededError,
}


@dataclass(frozen=True, slots=True)
class ServerModel:
    """A version as the server's index tells it; `state` is "READY" where it answers."""

    name: str
    version: int
    state: str
    reason: str


class Client:
    """Asks any server that speaks KServe v2 over HTTP: aios's, or Triton.

    Safe from any thread; each has a connection of its own.

    Args:
        url: As `http://127.0.0.1:8501`, `https://models.example:8501` or `unix:/run/aios.sock`.
        timeout_s: How long an answer may take.
        retries: How often a request is sent again where the server is unavailable or the
            connection is lost; calls of models change nothing, so that is safe.
        token: A bearer token, where the server has a token file.
        ca: Of `https`: a file in PEM with certificates that the server's must come from; None for
            the system's.
        client_cert: Of `https`: a certificate and its key, files in PEM, where the server asks.

    Raises:
        InvalidArgumentError: The URL isn't one, the token can't be sent, or a file doesn't do.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 60.0,
        retries: int = 2,
        token: str | None = None,
        ca: PathText | None = None,
        client_cert: tuple[PathText, PathText] | None = None,
    ) -> None:
        self._transport = Transport(url, timeout_s=timeout_s, ca=ca, client_cert=client_cert)
        if token is not None and (not token.isascii() or not token.isprintable()):
            raise InvalidArgumentError("token: expected printable ASCII, as aios token new prints")
        self._always = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._timeout_s, self._retries = timeout_s, retries
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._only_inputs: dict[str, str] = {}

    def infer(
        self, model: str, x: Any, *, version: int | None = None, label: str | None = None
    ) -> Any:
        """Answers one batch.

        Args:
            model: The model's name.
            x: An array for a model with one input, or a dict of arrays by input name.
            version: None for the one that answers without.
            label: A label in place of a version, asked of the server at each call; aios's and
                TensorFlow Serving's have them.

        Returns:
            An array for one output, a dict by name for more, or when `x` is a dict.

        Raises:
            InvalidArgumentError: A tensor doesn't fit the model; the message names it.
            NotFoundError: No such model or version.
            UnavailableError: No server, or it can't answer now.
            PermissionDeniedError: The server wants a token, or another one.
        """
        path = f"/v2/models/{quote(model, safe='')}"
        if label is not None:
            version = self._labelled(model, label, version)
        if version is not None:
            path += f"/versions/{version}"
        named = x if isinstance(x, Mapping) else {self._only_input(path): x}
        arrays = {name: np.asarray(value) for name, value in named.items()}
        blobs = [to_binary(array) for array in arrays.values()]
        inputs = [
            {
                "name": name,
                "shape": list(array.shape),
                "datatype": datatype_of(array),
                "parameters": {"binary_data_size": len(blob)},
            }
            for (name, array), blob in zip(arrays.items(), blobs, strict=True)
        ]
        head = json.dumps(
            {"inputs": inputs, "parameters": {"binary_data_output": True}}, separators=(",", ":")
        ).encode()
        headers, body = self._request(
            "POST", f"{path}/infer", b"".join([head, *blobs]), {_LENGTH: str(len(head))}
        )
        outputs = _outputs(body, headers)
        if isinstance(x, Mapping) or len(outputs) != 1:
            return outputs
        return next(iter(outputs.values()))

    def models(self) -> list[ServerModel]:
        """Every version that the server knows, also those that don't answer."""
        _, body = self._request("POST", "/v2/repository/index", b"{}", {})
        return [
            ServerModel(
                entry["name"],
                int(entry.get("version") or 0),
                entry.get("state", ""),
                entry.get("reason", ""),
            )
            for entry in json.loads(body)
        ]

    def ready(self, model: str | None = None, *, version: int | None = None) -> bool:
        """Whether the server, or a model of it, answers."""
        path = "/v2/health/ready"
        if model is not None:
            which = "" if version is None else f"/versions/{version}"
            path = f"/v2/models/{quote(model, safe='')}{which}/ready"
        try:
            self._request("GET", path, None, {})
        except AiosError:
            return False
        return True

    def close(self) -> None:
        """Closes every connection."""
        with self._lock:
            connections = list(self._connections)
            self._connections.clear()
        for connection in connections:
            connection.close()

    def _only_input(self, path: str) -> str:
        """The name of the input of a model that has one."""
        if path not in self._only_inputs:
            _, body = self._request("GET", path, None, {})
            inputs = json.loads(body)["inputs"]
            if len(inputs) != 1:
                names = ", ".join(repr(entry["name"]) for entry in inputs)
                raise InvalidArgumentError(
                    f"the model has {len(inputs)} inputs: pass a dict with {names}"
                )
            self._only_inputs[path] = inputs[0]["name"]
        return self._only_inputs[path]

    def _labelled(self, model: str, label: str, version: int | None) -> int:
        """The version that a label names now; KServe knows none, so it is asked beside it."""
        if version is not None:
            raise InvalidArgumentError(
                f"expected a version or a label, got {version} and {label!r}"
            )
        path = f"/v1/models/{quote(model, safe='')}/labels/{quote(label, safe='')}"
        _, body = self._request("GET", path, None, {})
        (found,) = json.loads(body)["model_version_status"]
        return int(found["version"])

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPMessage, bytes]:
        for attempt in range(self._retries + 1):
            try:
                return self._once(method, path, body, headers)
            except UnavailableError:
                if attempt == self._retries:
                    raise
            time.sleep(_FIRST_PAUSE_S * 2**attempt)
        raise InternalError("no attempt was made: retries is negative")

    def _once(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPMessage, bytes]:
        connection = self._connection()
        try:
            connection.request(method, path, body, {**self._always, **headers})
            response = connection.getresponse()
            answer = response.read()
        except TimeoutError as error:
            connection.close()
            raise DeadlineExceededError(
                f"no answer from {self._transport.address} in {self._timeout_s} s"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise UnavailableError(
                f"no answer from {self._transport.address}: {error or type(error).__name__}"
            ) from error
        if response.status == 200:
            return response.headers, answer
        raise _ERRORS.get(response.status, InternalError)(_message(response.status, answer))

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._transport.connect()
            self._local.connection = connection
            with self._lock:
                self._connections.add(connection)
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client of {self._transport.address}>"


def _message(status: int, answer: bytes) -> str:
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, LookupError, TypeError):
        return f"the server answered {status}"


def _outputs(body: bytes, headers: http.client.HTTPMessage) -> dict[str, Array]:
    length = int(headers.get(_LENGTH, len(body)))
    blobs = memoryview(body)[length:]
    outputs: dict[str, Array] = {}
    for output in json.loads(body[:length])["outputs"]:
        shape, datatype = output["shape"], output["datatype"]
        size = output.get("parameters", {}).get("binary_data_size")
        if size is None:
            raise UnsupportedError("the server has no binary tensors (binary_tensor_data)")
        outputs[output["name"]] = from_binary(blobs[:size], datatype, shape)
        blobs = blobs[size:]
    return outputs
