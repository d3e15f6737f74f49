"""Which version answers the calls that name none, of those that can."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from aios.server.config import CanaryConfig, ModelConfig, ServerConfig, ShadowConfig
from aios.server.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Route:
    """How calls of one model are answered.

    Attributes:
        labels: Label to version.
        usual: The version where there is neither a version nor a label.
        canary: The version that answers a share of those, and the share.
        challenger: The version that gets copies of what `usual` answers.
    """

    usual: int
    labels: Mapping[str, int] = field(default_factory=dict)
    canary: tuple[int, float] | None = None
    challenger: int | None = None


def routes(
    wanted: Wanted,
    config: ServerConfig,
    answering: Mapping[str, Collection[int]],
    before: Mapping[str, Route],
) -> dict[str, Route]:
    """The routes of all models that have a version that answers.

    A label that moves to a version that doesn't answer stays where it was, and so does what is
    usual: nothing that works is taken from who calls.

    Args:
        wanted: What labels name, and what is usual.
        config: Canaries and shadows.
        answering: The versions of each model that answer; at least one.
        before: The routes until now.
    """
    return {
        name: _route(name, wanted, config.of_model(name), versions, before.get(name))
        for name, versions in answering.items()
    }


def _route(
    name: str, wanted: Wanted, told: ModelConfig, answering: Collection[int], before: Route | None
) -> Route:
    was = {} if before is None else before.labels
    labels = {
        label: was[label] if version not in answering and was.get(label) in answering else version
        for label, version in wanted.labels.get(name, {}).items()
    }
    canary = _named(told.canary, labels, answering)
    challenger = _named(told.shadow, labels, answering)
    usual = wanted.usual.get(name)
    if usual not in answering:
        kept = None if usual is None or before is None else before.usual
        others = [each for each in answering if each not in (canary, challenger)]
        usual = kept if kept in answering else max(others or answering)
    assert usual is not None
    share = 0.0 if told.canary is None else told.canary.share
    return Route(
        usual,
        labels,
        None if canary in (None, usual) else (canary, share),
        None if challenger == usual else challenger,
    )


def _named(
    told: CanaryConfig | ShadowConfig | None, labels: Mapping[str, int], answering: Collection[int]
) -> int | None:
    """The version that is meant, if it answers."""
    if told is None:
        return None
    version = labels.get(told.label) if told.version is None else told.version
    return version if version in answering else None


def idle(config: ServerConfig, routes: Mapping[str, Route]) -> list[str]:
    """What is told of canaries and shadows that get no calls, each in a sentence.

    Args:
        config: What they were to get.
        routes: Of every model that answers.
    """
    texts = []
    for name, route in sorted(routes.items()):
        told = config.of_model(name)
        for what, asked, found in (
            ("canary", told.canary, route.canary),
            ("shadow", told.shadow, route.challenger),
        ):
            if asked is not None and found is None:
                which = f"label '{asked.label}'" if asked.version is None else "its version"
                texts.append(
                    f"per_model.{name}.{what}: no calls, as {which} names no version that answers "
                    f"beside the usual one, {route.usual}"
                )
    return texts
