"""What an interpreter must be: artifacts become models, models make sessions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from aios.bridge.fallback.arrays import Array, bytes_of, describe_array
from aios.bridge.fallback.records import Signature
from aios.bundle.directory import BundleDirectory
from aios.bundle.records import ArtifactRecord
from aios.bundle.schema import ANY_SIZE
from aios.errors import InvalidArgumentError, UnsupportedError


class Session(ABC):
    """The mutable state of one caller. Not safe for use from two threads at once."""

    def __init__(self) -> None:
        #: Bytes copied so far between the caller's memory and the interpreter's own.
        self.staged_bytes = 0

    @abstractmethod
    def call(self, inputs: Sequence[Array]) -> list[Array]:
        """The answers to checked inputs, in the signature's order; not the caller's to keep."""

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """Answers into the caller's arrays.

        Raises:
            InvalidArgumentError: An answer is of another dtype or shape, or of strings.
        """
        answers = self._staged(inputs)
        for index, (answer, output) in enumerate(zip(answers, outputs, strict=True)):
            if answer.shape != output.shape or answer.dtype != output.dtype:
                raise InvalidArgumentError(
                    f"output {index}: the answer is {describe_array(answer)}, the memory given for "
                    f"it is {describe_array(output)}"
                )
            if answer.dtype == object:
                raise InvalidArgumentError(
                    f"output {index} holds strings, whose memory only the cell can give: call "
                    "perform_inference without outputs of your own"
                )
            np.copyto(output, answer)

    def answer(self, inputs: Sequence[Array]) -> list[Array]:
        """Answers whose shapes only the call itself tells."""
        return [np.array(answer) for answer in self._staged(inputs)]

    def _staged(self, inputs: Sequence[Array]) -> list[Array]:
        answers = self.call(inputs)
        self.staged_bytes += sum(map(bytes_of, inputs)) + sum(map(bytes_of, answers))
        return answers


class Model(Protocol):
    """A loaded artifact, shared by its sessions."""

    def new_session(self, signature: Signature) -> Session:
        """A session of its own for one caller, for calls of one signature."""


#: Loads an artifact whose files are checked already, for calls of so many threads. It raises
#: NotFoundError, naming the remedy, if the package isn't installed.
Loader = Callable[[BundleDirectory, ArtifactRecord, int], Model]


class ComposedSession(Session):
    """Puts batches together from graphs of fixed batch sizes, the largest first."""

    def __init__(self, parts: Mapping[int, Session], *, composable: bool) -> None:
        super().__init__()
        self._parts = dict(sorted(parts.items(), reverse=True))
        self._composable = composable

    def call(self, inputs: Sequence[Array]) -> list[Array]:
        """Raises UnsupportedError for a batch that can't be put together."""
        batch, begin = len(inputs[0]), 0
        pieces = []
        for size in self._pieces(batch):
            part = [array[begin : begin + size] for array in inputs]
            pieces.append(self._parts[size].call(part))
            begin += size
        if len(pieces) == 1:
            return pieces[0]
        return [np.concatenate(answers) for answers in zip(*pieces, strict=True)]

    def _pieces(self, batch: int) -> list[int]:
        if batch in self._parts:
            return [batch]
        pieces, left = [], batch
        for size in self._parts:
            pieces += [size] * (left // size)
            left %= size
        if left or not self._composable:
            raise UnsupportedError(
                f"this artifact has no graph for a batch of {batch}, and its batches may not be "
                "put together; use another engine"
            )
        return pieces


class SizedSession(Session):
    """Takes the graph that is made for the inner sizes of a call; those for any come last."""

    def __init__(
        self, parts: Sequence[tuple[Mapping[str, Sequence[int]], Session]], signature: Signature
    ) -> None:
        super().__init__()
        self._parts = [(sizes, session) for sizes, session in parts if sizes]
        self._parts += [(sizes, session) for sizes, session in parts if not sizes]
        self._inputs = signature.inputs

    def call(self, inputs: Sequence[Array]) -> list[Array]:
        """Raises UnsupportedError for sizes that no graph is made for."""
        found = {
            spec.name: tuple(
                size
                for size, known in zip(array.shape[1:], spec.shape[1:], strict=True)
                if known == ANY_SIZE
            )
            for spec, array in zip(self._inputs, inputs, strict=True)
        }
        for sizes, session in self._parts:
            if all(found[name] == tuple(made_for) for name, made_for in sizes.items()):
                return session.call(inputs)
        raise UnsupportedError(
            f"this artifact has no graph for inner sizes of {found}; use another engine, or export "
            "with sizes="
        )


def report_phases(descriptor: int) -> None:
    """What engines do isn't told here: nothing runs in a child process without the extension."""
    del descriptor


def check_libraries_with(command: Sequence[str]) -> None:
    """Interpreters aren't tried in a child process: they are Python's own imports."""
    del command
