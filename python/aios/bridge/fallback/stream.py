"""Streams in pure Python: there are none, and the error says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from aios.bridge.fallback.records import Signature
from aios.errors import UnsupportedError


class Stream:
    """The C++ extension's class of this name, which nothing here can make.

    Raises:
        UnsupportedError: Always.
    """

    def __init__(self) -> None:
        raise UnsupportedError(
            "streams need the C++ extension of aios, which isn't in use: install its wheel, or a "
            "C++ compiler and aios again"
        )

    def step(self, x: object, *, out: object | None = None) -> Any:
        """Answers the next frame, or the next frames."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forgets every frame."""

    def save(self) -> dict[str, Any]:
        """The state as it is now."""
        raise NotImplementedError

    def restore(self, state: Mapping[str, object]) -> None:
        """Goes on from a state."""

    @property
    def signature(self) -> Signature:
        """What a step takes and gives."""
        raise NotImplementedError

    def close(self) -> None:
        """Gives its memory back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
