"""How a bundle is loaded: one object, which a bridge makes and either core reads."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real

from aios.errors import InvalidArgumentError

_EXPECTED: dict[str, tuple[type, str]] = {
    "engine": (str, "the name of an engine or 'auto'"),
    "threads": (Integral, "a whole number, as 4"),
    "verify": (str, "'quick', 'full' or 'off'"),
    "precision": (str, "the name of a precision, as 'float32'"),
    "max_tuning_ms": (Real, "a number, as 300"),
    "manifest_sha256": (str, "64 hexadecimal digits, or nothing"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """What `TensorFlowCellularBridge` and its load method take, by the same names.

    The core that loads checks the values; of another type they never reach it.

    Raises:
        InvalidArgumentError: One is of another type; names it.
    """

    engine: str = "auto"
    threads: int = 1
    verify: str = "quick"
    precision: str = "float32"
    max_tuning_ms: float = 300.0
    tags: tuple[str, ...] = ("serve",)
    manifest_sha256: str = ""

    def __post_init__(self) -> None:
        for name, (kind, expected) in _EXPECTED.items():
            value = getattr(self, name)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise InvalidArgumentError(f"{name}: expected {expected}, got {value!r}")
        tags: object = self.tags
        if not isinstance(tags, tuple) or not all(isinstance(tag, str) for tag in tags):
            raise InvalidArgumentError(f"tags: expected names, as ['serve'], got {tags!r}")
