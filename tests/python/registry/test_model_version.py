"""A version as a document of the registry, and back."""

from pathlib import Path

import pytest

import aios
from aios.home.home_files import HomeFiles
from aios.registry.model_version import ModelVersion, bundle_place, stored_bundle

SHA256 = "a" * 64
VALUE = {
    "name": "m",
    "version": 3,
    "bundle": f"bundles/{SHA256}.cell",
    "sha256": SHA256,
    "metrics": {"accuracy": 0.98765},
}


@pytest.fixture
def home(tmp_path):
    return HomeFiles(tmp_path)


def test_a_document_is_told_with_its_aliases_and_place(home, tmp_path):
    found = ModelVersion.of({**VALUE, "from": "a later release"}, {("m", 3): ("champion",)}, home)
    assert (found.name, found.version, found.aliases) == ("m", 3, ("champion",))
    assert Path(found.bundle) == tmp_path / VALUE["bundle"]
    assert found.to_json()["metrics"] == {"accuracy": 0.98765}
    assert repr(found) == "<ModelVersion m 3 (champion): bundle aaaaaaaaaaaa, accuracy 0.9877>"


@pytest.mark.parametrize("change", [{"version": None}, {"version": "x"}, {"bundle": 5}])
def test_a_damaged_document_is_named_with_what_to_do(home, change):
    with pytest.raises(aios.CorruptHomeError, match="version's document is damaged.*backups/"):
        ModelVersion.of({**VALUE, **change}, {}, home)
    with pytest.raises(aios.CorruptHomeError):
        ModelVersion.of({}, {}, home)


def test_a_bundle_is_found_wherever_its_home_has_moved_to(home, tmp_path):
    was = {"bundle": f"/elsewhere/bundles/{SHA256}.cell", "sha256": SHA256}
    assert bundle_place(home, was) == tmp_path / "bundles" / f"{SHA256}.cell"
    assert bundle_place(home, {"bundle": "/mine/a.cell", "sha256": SHA256}) == Path("/mine/a.cell")


def test_a_document_names_a_bundle_by_its_place_in_the_home(home, tmp_path):
    assert stored_bundle(home, tmp_path / "bundles" / "x.cell") == "bundles/x.cell"
    assert stored_bundle(home, Path("/mine/a.cell")) == "/mine/a.cell"
