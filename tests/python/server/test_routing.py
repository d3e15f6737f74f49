"""Who answers calls that name no version."""

import pytest

from aios.server.config import CanaryConfig, ModelConfig, ServerConfig, ShadowConfig
from aios.server.routing import Route, idle, routes
from aios.server.wanted import Wanted


def _route(answering, *, labels=None, usual=None, before=None, **told):
    config = ServerConfig(per_model={"m": ModelConfig(**told)})
    there = Wanted({}, labels={"m": labels or {}}, usual={} if usual is None else {"m": usual})
    found = routes(there, config, {"m": answering}, {} if before is None else {"m": before})
    return found["m"]


def test_the_highest_answers_where_nothing_is_said():
    assert _route([1, 3, 2]) == Route(3)


def test_what_is_usual_answers_if_it_can():
    assert _route([1, 2, 3], usual=2).usual == 2
    assert _route([1, 3], usual=2).usual == 3


def test_what_moved_to_a_version_that_does_not_answer_stays_where_it_was():
    before = Route(1, {"champion": 1})
    now = _route([1, 3], labels={"champion": 2}, usual=2, before=before)
    assert now == Route(1, {"champion": 1})
    assert _route([1, 2, 3], labels={"champion": 2}, usual=2, before=now) == Route(
        2, {"champion": 2}
    )


def test_a_label_of_a_version_that_never_answered_is_known():
    assert _route([1], labels={"new": 2}).labels == {"new": 2}


@pytest.mark.parametrize("told", [{"version": 3}, {"label": "next"}])
def test_a_canary_has_its_share_and_is_not_what_is_usual(told):
    canary = CanaryConfig(share=0.25, **told)
    assert _route([1, 2, 3], labels={"next": 3}, canary=canary) == Route(
        2, {"next": 3}, canary=(3, 0.25)
    )


def test_a_canary_that_does_not_answer_or_is_usual_has_no_share():
    assert _route([1, 2], canary=CanaryConfig(version=3)) == Route(2)
    assert _route([1, 2], usual=2, canary=CanaryConfig(version=2)) == Route(2)
    assert _route([2], canary=CanaryConfig(version=2)) == Route(2)


def test_a_challenger_is_compared_with_what_is_usual():
    shadow = ShadowConfig(share=0.5)
    assert _route([1, 2], labels={"challenger": 2}, shadow=shadow) == Route(
        1, {"challenger": 2}, challenger=2
    )
    assert _route([1, 2], labels={}, shadow=shadow) == Route(2)
    assert _route([1, 2], labels={"challenger": 2}, usual=2, shadow=shadow).challenger is None


def test_a_canary_or_a_shadow_that_gets_no_calls_is_told():
    told = ModelConfig(canary=CanaryConfig(version=2), shadow=ShadowConfig())
    config = ServerConfig(per_model={"m": told})
    assert idle(config, {"m": Route(1, canary=(2, 0.1), challenger=3), "n": Route(1)}) == []
    first, second = idle(config, {"m": Route(2)})
    assert first.startswith("per_model.m.canary: no calls, as its version names no version that")
    assert second.startswith("per_model.m.shadow: no calls, as label 'challenger' names no version")
    assert second.endswith("beside the usual one, 2")
