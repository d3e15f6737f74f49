"""What copies of a champion's calls have shown of a challenger, kept in the home.

A server counts; whoever promotes a version asks whether enough calls agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from aios.errors import CorruptHomeError, FailedPreconditionError
from aios.home.store import ConflictError, Document, PutDocument, Store

_COLLECTION: Final = "shadows"
_TRIES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowResult:
    """Counts of one challenger beside one champion.

    Attributes:
        compared: Calls that both have answered.
        agreed: Those whose outputs are all within the tolerance.
        failed: Calls that the challenger couldn't answer.
        dropped: Copies that there was no room for.
        classified: Rows of class scores.
        same_class: Those whose largest score is of the champion's class.
        worst: The largest difference, in tolerances; infinite for another shape.
        reason: Why the last call that failed did.
        champion_us: Calls by how long the champion took; buckets as the server's.
        challenger_us: And the challenger.
    """

    name: str
    champion: int
    challenger: int
    compared: int = 0
    agreed: int = 0
    failed: int = 0
    dropped: int = 0
    classified: int = 0
    same_class: int = 0
    worst: float = 0.0
    reason: str = ""
    champion_us: tuple[int, ...] = ()
    challenger_us: tuple[int, ...] = ()

    @property
    def agreement(self) -> float:
        """The share that agrees, from 0 to 1; 0 before the first call.

        Of rows of class scores, those of the same class; where there are none, of calls those
        within the tolerance. A call that failed doesn't agree.
        """
        asked = self.compared + self.failed
        if asked == 0:
            return 0.0
        if self.classified == 0:
            return self.agreed / asked
        return self.same_class / self.classified * (self.compared / asked)

    def plus(self, counts: Mapping[str, Any]) -> ShadowResult:
        """With what was counted since."""
        added: dict[str, Any] = {
            name: getattr(self, name) + int(counts.get(name, 0)) for name in _COUNTS
        }
        added["worst"] = max(self.worst, float(counts.get("worst", 0.0)))
        added["reason"] = counts.get("reason") or self.reason
        for name in _BUCKETS:
            added[name] = _sums(getattr(self, name), counts.get(name, ()))
        return replace(self, **added)

    def to_json(self) -> dict[str, Any]:
        """Its fields, for JSON: a difference that is infinite is null."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        worst = self.worst if math.isfinite(self.worst) else None
        return {**told, "worst": worst, "agreement": self.agreement}


_COUNTS: Final = ("compared", "agreed", "failed", "dropped", "classified", "same_class")
_BUCKETS: Final = ("champion_us", "challenger_us")


def shadow_results(store: Store, name: str | None = None) -> list[ShadowResult]:
    """Everything that is kept of a model, or of all.

    Raises:
        CorruptHomeError: A document is damaged.
    """
    documents = store.documents(_COLLECTION, "" if name is None else f"{name}/")
    return [_result(item) for item in documents]


def keep_shadow_result(
    store: Store, name: str, champion: int, challenger: int, counts: Mapping[str, Any]
) -> ShadowResult:
    """Adds what was counted since it was kept last; returns the sum.

    Several servers may do so at once.

    Raises:
        FailedPreconditionError: Others kept writing.
    """
    key = f"{name}/{challenger:08d}/{champion:08d}"
    for _ in range(_TRIES):
        found = next((item for item in store.documents(_COLLECTION, key) if item.key == key), None)
        before = (
            ShadowResult(name=name, champion=champion, challenger=challenger)
            if found is None
            else _result(found)
        )
        after = before.plus(counts)
        try:
            store.commit(
                [PutDocument(_COLLECTION, key, after.to_json(), found.revision if found else 0)]
            )
        except ConflictError:
            continue
        return after
    raise FailedPreconditionError(f"others kept writing what is compared of '{name}'; try again")


def require_agreement(
    store: Store, name: str, version: int, champion: int, *, compared: int, agreement: float
) -> ShadowResult:
    """Whether a version has shown beside the champion that it may take its place.

    Args:
        store: Of the home.
        name: The model.
        version: The challenger.
        champion: The version that answers now.
        compared: How many calls must have been compared.
        agreement: The least share of them that agrees.

    Raises:
        FailedPreconditionError: It hasn't; tells the numbers.
    """
    found = [item for item in shadow_results(store, name) if item.challenger == version]
    result = next((item for item in found if item.champion == champion), None)
    if result is None:
        raise FailedPreconditionError(
            f"{name} version {version} isn't promoted: no calls of version {champion}, the "
            "champion, were compared with it; serve this home with a shadow of it first"
        )
    if result.compared < compared or result.agreement < agreement:
        raise FailedPreconditionError(
            f"{name} version {version} isn't promoted: {told(result)}; expected {compared} or more "
            f"compared, and {agreement:.2%} or more that agree"
        )
    return result


def told(result: ShadowResult) -> str:
    """The numbers in words."""
    failed = f", {result.failed} failed ({result.reason})" if result.failed else ""
    return (
        f"beside version {result.champion}, {result.compared} calls were compared{failed}, and "
        f"{result.agreement:.2%} agree; the largest difference is {result.worst:.3g} tolerances"
    )


def _result(item: Document) -> ShadowResult:
    known: Callable[[str], bool] = ShadowResult.__dataclass_fields__.__contains__
    try:
        values = {key: value for key, value in item.value.items() if known(key)}
        values["worst"] = math.inf if values["worst"] is None else float(values["worst"])
        values |= {name: tuple(values[name]) for name in _BUCKETS}
        return ShadowResult(**values)
    except (TypeError, ValueError, KeyError) as error:
        raise CorruptHomeError(
            f"registry: what was compared ({item.key}) is damaged ({error}); restore the database "
            "from backups/"
        ) from error


def _sums(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    if not one or not other:
        return tuple(one or other)
    return tuple(a + b for a, b in zip(one, other, strict=True))
