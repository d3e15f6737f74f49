"""What a server shall serve: versions, and which of them answers calls that name none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aios.server.config import ServerConfig
from aios.server.folder import FoundModel, VersionKey

Found = Mapping[VersionKey, FoundModel]
#: Of each model, what its labels name.
Labels = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What there is at one moment, and what of it is to answer.

    Attributes:
        versions: To be served.
        spare: There too, but only to be kept, where they answer, until one of `versions` does.
        labels: Of models, label to version.
        usual: Of models, the version where none is asked for; the highest of the others.
        notes: Of versions, what is to be said of them though they answer.
    """

    versions: Found
    spare: Found = field(default_factory=dict)
    labels: Labels = field(default_factory=dict)
    usual: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[VersionKey, str] = field(default_factory=dict)


def wanted(
    found: Found,
    config: ServerConfig,
    *,
    labels: Labels | None = None,
    usual: Mapping[str, int] | None = None,
    versions: str = "all",
) -> Wanted:
    """What a server is told to serve of what was found.

    Args:
        found: Every version.
        config: What is said of models: labels and which versions; it comes before the rest.
        labels: What is known of labels otherwise.
        usual: And of the versions that answer.
        versions: Which are served where nothing is said: "all", "newest" or "labelled".
    """
    by_name: dict[str, list[VersionKey]] = {}
    for key in found:
        by_name.setdefault(key.name, []).append(key)
    merged: dict[str, dict[str, int]] = {}
    served: dict[VersionKey, FoundModel] = {}
    for name, there in sorted(by_name.items()):
        told = config.of_model(name)
        merged[name] = {**(labels or {}).get(name, {}), **told.labels}
        which = told.versions or config.versions or versions
        for key in _chosen(there, which, set(merged[name].values()), set(told.only)):
            served[key] = found[key]
    spare = {key: one for key, one in found.items() if key not in served}
    return Wanted(served, spare, merged, dict(usual or {}))


def _chosen(
    there: list[VersionKey], which: str, labelled: set[int], only: set[int]
) -> list[VersionKey]:
    if only:
        return [key for key in there if key.version in only]
    newest = max(there)
    if which == "all":
        return there
    also = labelled if which == "labelled" else set()
    return [key for key in there if key == newest or key.version in also]
