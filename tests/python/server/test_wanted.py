"""Of what there is, what is served."""

from pathlib import Path

import pytest

from aios.server.config import ModelConfig, ServerConfig
from aios.server.folder import FoundModel, VersionKey
from aios.server.wanted import wanted

FOUND = {
    VersionKey(name, version): FoundModel(Path(name), (version,), is_proven=True)
    for name, versions in {"a": (1, 2, 3), "b": (7,)}.items()
    for version in versions
}
LABELS = {"a": {"champion": 1}}


def _served(config, **known):
    told = wanted(FOUND, config, **known)
    assert {**told.versions, **told.spare} == FOUND
    return [key.version for key in told.versions if key.name == "a"]


def test_every_version_is_served_where_nothing_is_said():
    assert _served(ServerConfig()) == [1, 2, 3]


@pytest.mark.parametrize(
    ("which", "versions"), [("all", [1, 2, 3]), ("newest", [3]), ("labelled", [1, 3])]
)
def test_a_server_is_told_which_and_a_model_comes_before_it(which, versions):
    assert _served(ServerConfig(), labels=LABELS, versions=which) == versions
    assert _served(ServerConfig(versions=which), labels=LABELS) == versions
    per_model = {"a": ModelConfig(versions=which)}
    assert _served(ServerConfig(versions="all", per_model=per_model), labels=LABELS) == versions


def test_only_some_versions_are_served_where_they_are_named():
    assert _served(ServerConfig(per_model={"a": ModelConfig(only=(2, 9))})) == [2]


def test_labels_of_the_config_come_before_others():
    config = ServerConfig(per_model={"a": ModelConfig(labels={"champion": 2, "canary": 3})})
    told = wanted(FOUND, config, labels={"a": {"champion": 1, "old": 1}, "b": {"x": 7}})
    assert told.labels == {"a": {"champion": 2, "old": 1, "canary": 3}, "b": {"x": 7}}
