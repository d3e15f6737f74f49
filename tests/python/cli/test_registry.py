"""`aios registry`, on a home with three versions of a model."""

import json

import pytest
from typer.testing import CliRunner

import aios
from aios.cli.main import app


@pytest.fixture
def home(tmp_path):
    place = tmp_path / "m.cell"
    place.mkdir()
    with aios.AICellManager(tmp_path / "home") as manager:
        for text in "abc":
            (place / "weights").write_text(text)
            manager.registry.register("m", place)
        manager.promote("m", 1)
    return tmp_path / "home"


@pytest.fixture
def registry(home):
    """Runs `aios registry … --json`; the code and the document."""

    def run(*arguments):
        words = [*map(str, arguments), "--home", str(home), "--json"]
        shown = CliRunner().invoke(app, ["registry", *words])
        return shown.exit_code, json.loads(shown.stdout)

    return run


def _told(document):
    return [(item["version"], item["aliases"]) for item in document["versions"]]


def test_versions_are_listed_oldest_first_with_their_aliases(registry):
    code, document = registry("list", "m")
    assert code == 0
    assert _told(document) == [(1, ["champion"]), (2, []), (3, [])]


def test_an_alias_moves_forward_and_back(registry):
    code, document = registry("promote", "m", 3, "--alias", "champion")
    assert (code, document["version"], document["alias"]) == (0, 3, "champion")
    assert registry("rollback", "m")[1]["version"] == 1
    code, document = registry("rollback", "m")
    assert code == 1
    assert "named none before" in document["error"]["message"]


def test_lineage_is_followed_from_either_end(registry):
    _, document = registry("lineage", "--name", "m", "--version", 2)
    (second,) = document["versions"]
    _, document = registry("lineage", "--bundle", second["sha256"])
    assert document["versions"] == [second]


def test_pruning_keeps_what_an_alias_names(registry):
    code, document = registry("prune", "m", "--keep", 1)
    assert (code, [item["version"] for item in document["versions"]]) == (0, [2])
    assert _told(registry("list")[1]) == [(1, ["champion"]), (3, [])]


def test_an_unknown_model_is_an_error_that_says_what_there_is(registry):
    code, document = registry("promote", "n", 1)
    assert code == 1
    assert document["error"]["type"] == "NotFoundError"


def _compared(home, **counts):
    from aios.registry.shadow_results import keep_shadow_result

    with aios.AICellManager(home) as manager:
        keep_shadow_result(manager.home.store, "m", 1, 3, counts)


def test_a_version_is_promoted_after_a_shadow_that_agrees_only(registry, home):
    code, document = registry("promote", "m", 3, "--after-shadow")
    assert code == 1
    assert "no calls of version 1, the champion, were compared" in document["error"]["message"]
    _compared(home, compared=900, classified=900, same_class=880, worst=12.5)
    code, document = registry("promote", "m", 3, "--after-shadow")
    assert code == 1
    assert "900 calls were compared, and 97.78% agree" in document["error"]["message"]
    assert "expected 1000 or more compared" in document["error"]["message"]
    _compared(home, compared=9100, classified=9100, same_class=9100)
    assert registry("promote", "m", 3, "--after-shadow")[1]["version"] == 3
    assert registry("promote", "m", 2, "--after-shadow")[0] == 1
