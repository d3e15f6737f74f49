"""Old versions go, and none that an alias or another version needs."""

import pytest

import aios


def test_prune_deletes_old_bundles_and_never_one_that_an_alias_needs(registry, bundle, manager):
    for text in "abcdef":
        registry.register("m", bundle(text))
    manager.promote("m", 1, "mine")
    manager.promote("m", 2)
    manager.promote("m", 3)
    deleted = registry.prune("m", keep=1)
    assert [item.version for item in deleted] == [4, 5]
    assert [item.version for item in registry.versions("m")] == [1, 2, 3, 6]
    assert manager.rollback("m").version == 2
    assert [item.version for item in registry.lineage(name="m")] == [1, 2, 3, 4, 5, 6]
    kept = {item.sha256 for item in registry.versions("m")}
    assert {place.stem for place in manager.home.bundles.iterdir()} == kept
    with pytest.raises(aios.NotFoundError):
        manager.promote("m", 4)


def test_a_bundle_that_another_version_shares_is_not_deleted(registry, bundle, manager):
    first = registry.register("m", bundle("a"))
    registry.register("other", bundle("a"))
    registry.register("m", bundle("b"))
    registry.prune("m", keep=1)
    assert [place.stem for place in manager.home.bundles.iterdir()].count(first.sha256) == 1
