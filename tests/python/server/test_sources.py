"""A folder and a manager's home tell what there is to serve."""

import pytest

import aios
from aios.server.config import ServerConfig
from aios.server.sources import FolderSource, HomeSource, source_of


@pytest.fixture
def home(tmp_path):
    """Three versions of "m", of which 1 is the champion and 2 is "next"; one of "n"."""
    place = tmp_path / "m.cell"
    place.mkdir()
    with aios.AICellManager(tmp_path / "home") as manager:
        for text in "abc":
            (place / "weights").write_text(text)
            manager.registry.register("m", place)
        manager.registry.register("n", place)
        manager.promote("m", 1)
        manager.promote("m", 2, alias="next")
    return tmp_path / "home"


@pytest.fixture
def source(home):
    opened = source_of(ServerConfig(registry=home))
    yield opened
    opened.close()


def _move(home, version, alias="champion"):
    with aios.AICellManager(home) as manager:
        manager.promote("m", version, alias)


def test_versions_with_an_alias_and_the_newest_are_served(source):
    told = source.look()
    assert isinstance(source, HomeSource)
    assert sorted(told.versions) == [("m", 1), ("m", 2), ("m", 3), ("n", 1)]
    assert told.labels == {"m": {"champion": 1, "next": 2}, "n": {}}
    assert told.usual == {"m": 1}


def test_a_version_that_loses_its_alias_is_spare(source, home):
    _move(home, 3)
    told = source.look()
    assert sorted(told.versions) == [("m", 2), ("m", 3), ("n", 1)]
    assert list(told.spare) == [("m", 1)]
    assert told.usual == {"m": 3}


def test_versions_of_one_bundle_are_found_in_one_place(source):
    found = source.look().versions
    assert found["m", 3].path == found["n", 1].path
    assert found["m", 3].stamp == found["n", 1].stamp != found["m", 2].stamp


def test_a_home_that_can_not_be_written_is_read_anew(home, monkeypatch):
    def refuse(_path):
        raise aios.FailedPreconditionError("read-only")

    with monkeypatch.context() as changed:
        changed.setattr("aios.home.home._require_writable", refuse)
        source = HomeSource(home, ServerConfig())
        assert source.store is None
        assert source.look().usual == {"m": 1}
    _move(home, 3)
    assert source.look().usual == {"m": 3}
    source.close()


def test_one_source_is_needed_and_one_alone(tmp_path):
    assert isinstance(source_of(ServerConfig(models=tmp_path)), FolderSource)
    for config in (ServerConfig(), ServerConfig(models=tmp_path, registry=tmp_path)):
        with pytest.raises(aios.InvalidArgumentError, match="expected either models, a folder"):
            source_of(config)
    with pytest.raises(aios.NotFoundError):
        source_of(ServerConfig(registry=tmp_path / "none"))


def test_what_is_left_out_of_a_folder_is_told_once(tmp_path, caplog):
    (tmp_path / "m" / "v1.cell").mkdir(parents=True)
    (tmp_path / "m" / "v1.cell" / "manifest.json").touch()
    (tmp_path / "m" / "1.cell").mkdir()
    (tmp_path / "m" / "1.cell" / "manifest.json").touch()
    source = FolderSource(tmp_path, ServerConfig())
    assert list(source.look().versions) == list(source.look().versions) == [("m", 1)]
    (record,) = caplog.records
    assert "isn't served: " in record.getMessage()
    assert "v1.cell' is no version" in record.getMessage()
