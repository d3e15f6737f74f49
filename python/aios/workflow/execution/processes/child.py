"""The child process of isolated steps: reads jobs from a pipe, runs them, answers on another pipe.

Started by `parent` under `guard`. It has no access to the home's database: it reads
inputs from and writes its result to the content store, which is safe to do twice, and the manager
commits.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, Final

from aios.errors import InvalidArgumentError
from aios.home.codec import ValueRef, store_value
from aios.home.content_store import ContentStore
from aios.home.error_text import error_json, is_home_full, recordable, traceback_of
from aios.home.home_files import HomeFiles
from aios.home.messages import Message
from aios.home.pins import PinFile
from aios.home.store import AddMessage, Change
from aios.workflow.execution.callables import resolve
from aios.workflow.execution.context import StepContext
from aios.workflow.execution.processes.pipes import MAX_MESSAGE_BYTES
from aios.workflow.values import load_element, load_value

_PR_SET_PDEATHSIG: Final = 1
_FRAMES: Final = 100


def main() -> int:
    """Serve jobs until the manager closes the pipe."""
    jobs, events = int(sys.argv[1]), _EventPipe(int(sys.argv[2]))
    die_with_parent()
    os.dup2(2, 1)  # what a step prints is talk, not data
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(jobs, encoding="utf-8") as lines:
        for line in lines:
            _serve(json.loads(line), events)
    return 0


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent dies (prctl(2)); end now if it has already."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent or parent == 1:
        os._exit(1)


class _EventPipe:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def tell(self, event: dict[str, Any]) -> None:
        """Write one line; the manager reads until this process or it is gone.

        Raises:
            InvalidArgumentError: the line is longer than the manager takes.
        """
        text = json.dumps(event).encode() + b"\n"
        if len(text) > MAX_MESSAGE_BYTES:
            raise InvalidArgumentError(
                f"a step's messages and verdict may take {MAX_MESSAGE_BYTES >> 20} MiB, got"
                f" {len(text) >> 20} MiB; keep large values in files: context.save_file(path)"
            )
        content = memoryview(text)
        with self._lock:
            while content:
                content = content[os.write(self._descriptor, content) :]


def _serve(job: dict[str, Any], events: _EventPipe) -> None:
    home = HomeFiles(Path(job["home"]), PinFile.joined(Path(job["pins"])))
    context = StepContext(home=home, **job["context"])
    context.publish = lambda message: events.tell({"event": "report", "message": _wire(message)})
    try:
        output = _run(job, context)
        messages = [_message(change) for change in context.changes]
        events.tell(
            {
                "event": "result",
                "output": output.to_json(),
                "verdict": context.verdict,
                "messages": messages,
            }
        )
    except BaseException as error:
        with contextlib.suppress(Exception):
            sys.stderr.write(traceback_of(error))
        events.tell({"event": "error", **error_json(error), **_circumstances(error, context)})
    finally:
        home.release()


def _circumstances(error: BaseException, context: StepContext) -> dict[str, Any]:
    """Where it was raised, if the home is full, and the verdict as far as it is JSON."""
    return {
        "place": _place(error),
        "home_full": is_home_full(error),
        "verdict": recordable(context.verdict),
    }


def _run(job: dict[str, Any], context: StepContext) -> ValueRef:
    store = context.home.content
    arguments = _arguments(job, store)
    function = resolve(job["function"])
    function = getattr(function, "function", function)  # the name may hold a Step
    if job["wants_context"]:
        arguments["context"] = context
    return store_value(function(**arguments), store)


def _arguments(job: dict[str, Any], store: ContentStore) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for name, constant in job["constants"].items():
        given = constant.get("function")
        arguments[name] = resolve(given) if given is not None else constant["value"]
    for name, body in job["inputs"].items():
        reference = ValueRef.from_json(body)
        if name == job["over"] and job["index"] is not None:
            arguments[name] = load_element(reference, job["index"], store)
        else:
            arguments[name] = load_value(reference, store)
    return arguments


def _wire(message: Message) -> dict[str, Any]:
    stored = message.to_stored()
    return {name: getattr(stored, name) for name in stored.__dataclass_fields__}


def _message(change: Change) -> dict[str, Any]:
    if not isinstance(change, AddMessage):
        raise TypeError("an isolated step can send messages, and change nothing else in the store")
    stored = change.message
    return {name: getattr(stored, name) for name in stored.__dataclass_fields__}


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-_FRAMES)
    own = [frame for frame in frames if "/aios/workflow/" not in frame.filename]
    if not own:
        return ""
    return f" (in {own[-1].name}, {own[-1].filename}:{own[-1].lineno})"
