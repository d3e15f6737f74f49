"""Drift as population-stability index (PSI) of live rows against the training data's profile.

PSI of a feature is Σ (a - e) · ln(a / e) over bins, with e the share of training rows and a that of
live rows in the bin (N. Siddiqi, Credit Risk Scorecards, 2006). Usual reading: under 0.1 stable,
over 0.25 shifted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_BINS: Final = 10
_MAX_FEATURES: Final = 256
_LEAST_SHARE: Final = 1e-4


@dataclass(frozen=True, slots=True)
class TensorProfile:
    """How the values of one tensor were spread.

    Attributes:
        name: the tensor's.
        width: how many features a row has: its values, flattened.
        features: the positions of those that are profiled, at most 256.
        edges: of each, the upper ends of its bins but the last.
        shares: of each, the share of rows in each bin; they add up to 1.
    """

    name: str
    width: int
    features: tuple[int, ...]
    edges: tuple[tuple[float, ...], ...]
    shares: tuple[tuple[float, ...], ...]

    @staticmethod
    def of(name: str, rows: Any) -> TensorProfile:
        """Profile an array of shape [rows, …]; of more than 256 features, 256 spread evenly."""
        import numpy as np

        table = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
        width = table.shape[1]
        count = min(width, _MAX_FEATURES)
        features = tuple(int(i) for i in np.linspace(0, width - 1, count).round()) if width else ()
        edges, shares = [], []
        for feature in features:
            column = table[:, feature]
            column = column[np.isfinite(column)]
            found = _edges(column)
            edges.append(found)
            shares.append(tuple(_shares(column, found)))
        return TensorProfile(name, width, features, tuple(edges), tuple(shares))

    def select(self, rows: Any) -> Any:
        """Copy the profiled features of live rows, [rows, …] → float64 [rows, features].

        None if the rows have another width than the profile.
        """
        import numpy as np

        table = np.asarray(rows)
        table = table.reshape(table.shape[0] if table.ndim else 1, -1)
        if table.shape[1] != self.width:
            return None
        if len(self.features) < self.width:
            table = table[:, list(self.features)]
        return table.astype(np.float64)

    def psi(self, selected: Any) -> list[float]:
        """The index of each profiled feature for rows from `select`."""
        found = []
        for position, (edges, expected) in enumerate(zip(self.edges, self.shares, strict=True)):
            actual = _shares(selected[:, position], edges)
            found.append(_index(actual, expected))
        return found

    def to_json(self) -> dict[str, Any]:
        """Encode."""
        return {
            "name": self.name,
            "width": self.width,
            "features": list(self.features),
            "edges": [list(item) for item in self.edges],
            "shares": [list(item) for item in self.shares],
        }

    @staticmethod
    def from_json(body: Mapping[str, Any]) -> TensorProfile:
        """Decode."""
        return TensorProfile(
            body["name"],
            body["width"],
            tuple(body["features"]),
            tuple(map(tuple, body["edges"])),
            tuple(map(tuple, body["shares"])),
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """The inputs and outputs that a model was trained on and gave."""

    inputs: tuple[TensorProfile, ...]
    outputs: tuple[TensorProfile, ...]

    @staticmethod
    def of(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Profile:
        """Profile arrays by tensor name."""
        return Profile(
            tuple(TensorProfile.of(name, rows) for name, rows in inputs.items()),
            tuple(TensorProfile.of(name, rows) for name, rows in outputs.items()),
        )

    def to_json(self) -> dict[str, Any]:
        """Encode."""
        return {
            "inputs": [item.to_json() for item in self.inputs],
            "outputs": [item.to_json() for item in self.outputs],
        }

    @staticmethod
    def from_json(body: Mapping[str, Any]) -> Profile:
        """Decode."""
        return Profile(
            tuple(map(TensorProfile.from_json, body["inputs"])),
            tuple(map(TensorProfile.from_json, body["outputs"])),
        )


def _edges(column: Any) -> tuple[float, ...]:
    """Deciles; a value that holds a tenth of the rows or more gets a bin of its own."""
    import numpy as np

    if len(column) == 0:
        return ()
    deciles = np.unique(np.quantile(column, np.linspace(0, 1, _BINS + 1)[1:-1], method="lower"))
    edges: set[float] = set()
    for value in deciles:
        edges.add(float(value))
        if np.mean(column == value) >= 1 / _BINS:
            edges.add(float(np.nextafter(value, np.inf)))
    return tuple(sorted(edges))


def _shares(column: Any, edges: Sequence[float]) -> list[float]:
    import numpy as np

    if len(column) == 0:
        return [0.0] * (len(edges) + 1)
    bins = np.searchsorted(np.asarray(edges), column, side="right")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    return [float(count) for count in counts / len(column)]


def _index(actual: Sequence[float], expected: Sequence[float]) -> float:
    import math

    total = 0.0
    for a, e in zip(actual, expected, strict=True):
        live, trained = max(a, _LEAST_SHARE), max(e, _LEAST_SHARE)
        total += (live - trained) * math.log(live / trained)
    return total
