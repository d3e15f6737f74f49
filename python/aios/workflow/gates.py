"""Gates: limits that a model must keep before the next step, and their stored verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from aios.errors import FailedPreconditionError, InvalidArgumentError
from aios.home.codec import storable


class GateFailedError(FailedPreconditionError):
    """A model missed a limit, or several; the message names each.

    Retrying doesn't help, a better model does.
    """


@storable
@dataclass(frozen=True, slots=True)
class Check:
    """One limit: what was observed, what was asked, and whether it holds."""

    name: str
    observed: float | None
    limit: float
    kind: str
    passed: bool

    def __str__(self) -> str:
        word = "at least" if self.kind == "minimum" else "at most"
        found = "it wasn't measured" if self.observed is None else f"got {self.observed:.6g}"
        return f"{self.name}: expected {word} {self.limit:.6g}, {found}"


@storable
@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a gate; `reason` is empty when it passed."""

    passed: bool
    checks: tuple[Check, ...] = ()
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Encode for the step's record."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The limits of a workflow; each is off unless given.

    Args:
        min_accuracy: share of right answers on the validation data, 0 to 1.
        max_p99_us: 99th percentile of one call's latency on this machine, microseconds.
        max_size_bytes: size of the bundle.
        max_error: largest |difference| of the chosen engine's answers from the training model's.
        max_regression: how much worse than the present champion the model may be, on the same
            validation data and by `metric`; off while there is no champion.
        metric: what regression is measured by; a name with "loss", "mae", "mse" or "error" in it is
            better when smaller.
        minimum: metric name → the least value allowed.
        maximum: metric name → the greatest value allowed.
    """

    min_accuracy: float | None = None
    max_p99_us: float | None = None
    max_size_bytes: int | None = None
    max_error: float | None = None
    max_regression: float | None = None
    metric: str = "accuracy"
    minimum: Mapping[str, float] = field(default_factory=dict)
    maximum: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.min_accuracy is not None and not 0 <= self.min_accuracy <= 1:
            raise InvalidArgumentError(
                f"min_accuracy: expected 0 to 1, such as 0.9, got {self.min_accuracy}"
            )
        for name in ("max_p99_us", "max_size_bytes", "max_error", "max_regression"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise InvalidArgumentError(f"{name}: expected 0 or more, got {value}")

    def judge_quality(self, metrics: Mapping[str, float]) -> Verdict:
        """Judge what is known after the evaluation: accuracy, and `minimum` and `maximum`."""
        minimum: dict[str, float] = {}
        if self.min_accuracy is not None:
            minimum["accuracy"] = self.min_accuracy
        for name, limit in self.minimum.items():
            minimum[name] = max(limit, minimum.get(name, limit))
        checks = [
            _check(name, metrics.get(name), limit, "minimum") for name, limit in minimum.items()
        ]
        checks += [
            _check(name, metrics.get(name), limit, "maximum")
            for name, limit in self.maximum.items()
        ]
        return verdict(checks)

    def judge_bundle(
        self,
        *,
        p99_us: float | None,
        size_bytes: float | None,
        error: float | None,
        regression: float | None,
    ) -> Verdict:
        """Judge what is known after export and benchmark.

        Args:
            p99_us: latency of one call that 99 of 100 stay under, in microseconds.
            size_bytes: size of the bundle.
            error: largest difference from the training model's answers.
            regression: how much worse than the champion; None if there is none, which passes.
        """
        checks = []
        if self.max_p99_us is not None:
            checks.append(_check("p99_us", p99_us, self.max_p99_us, "maximum"))
        if self.max_size_bytes is not None:
            checks.append(_check("size_bytes", size_bytes, self.max_size_bytes, "maximum"))
        if self.max_error is not None:
            checks.append(_check("error", error, self.max_error, "maximum"))
        if self.max_regression is not None and regression is not None:
            checks.append(_check("regression", regression, self.max_regression, "maximum"))
        return verdict(checks)


def smaller_is_better(metric: str) -> bool:
    """True for losses and errors."""
    return any(word in metric for word in ("loss", "mae", "mse", "error"))


def verdict(checks: list[Check]) -> Verdict:
    """Passed if all checks are."""
    missed = [check for check in checks if not check.passed]
    return Verdict(not missed, tuple(checks), "; ".join(map(str, missed)))


def _check(name: str, observed: float | None, limit: float, kind: str) -> Check:
    """NaN and values that weren't measured never pass."""
    if observed is None:
        passed = False
    else:
        passed = observed >= limit if kind == "minimum" else observed <= limit
    return Check(name, None if observed is None else float(observed), float(limit), kind, passed)
