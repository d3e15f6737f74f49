import os

import pytest

import aios
from aios.server.folder import VersionKey, oddities, scan


@pytest.fixture
def folder(tmp_path):
    places = ("a/1.cell", "a/12.cell", "b/3.cell", ".hidden/1.cell", "a/.4.cell.tmp", "a/01.cell")
    for place in (*places, "a/x.cell", "a/5"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "manifest.json").write_text("{}")
    (tmp_path / "c" / "7.cell").mkdir(parents=True)
    (tmp_path / "file").touch()
    return tmp_path


def test_only_whole_bundles_with_a_number_are_versions(folder):
    found = scan(folder)
    assert list(found) == [VersionKey("a", 1), VersionKey("a", 12), VersionKey("b", 3)]
    assert found[VersionKey("b", 3)].path == folder / "b" / "3.cell"


def test_a_bundle_in_the_place_of_another_has_another_stamp(folder):
    before = scan(folder)
    other = folder / "a" / "1.cell" / "new"
    other.write_text("{}")
    other.replace(folder / "a" / "1.cell" / "manifest.json")
    after = scan(folder)
    assert before[VersionKey("a", 1)] != after[VersionKey("a", 1)]
    assert before[VersionKey("a", 12)] == after[VersionKey("a", 12)]


def test_one_bundle_is_version_1_of_its_name(folder):
    assert list(scan(folder / "a" / "12.cell")) == [VersionKey("12", 1)]


def test_a_missing_folder_is_told_with_what_was_expected(tmp_path):
    with pytest.raises(aios.NotFoundError, match="expected a folder with NAME/VERSION.cell"):
        scan(tmp_path / "none")


def test_saved_models_are_versions_too_and_a_bundle_comes_before_them(folder):
    for version in ("3", "8"):
        (folder / "b" / version).mkdir()
        (folder / "b" / version / "saved_model.pb").write_bytes(b"")
    found = scan(folder)
    assert {key.version: one.is_proven for key, one in found.items() if key.name == "b"} == {
        3: True,
        8: False,
    }


def test_a_saved_model_that_is_still_being_copied_gets_another_stamp(folder):
    model = folder / "b" / "8"
    model.mkdir()
    (model / "saved_model.pb").write_bytes(b"")
    before = scan(folder)[VersionKey("b", 8)]
    (model / "variables").mkdir()
    assert scan(folder)[VersionKey("b", 8)] != before


def _model(place, manifest="manifest.json"):
    place.mkdir(parents=True)
    (place / manifest).write_text("{}")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("saved_model.pb", "is a SavedModel itself: put it into a folder for its name"),
        ("3.cell/manifest.json", "holds versions of one model: serve the folder that it is in"),
        ("3/saved_model.pb", "holds versions of one model"),
        ("a.cell/manifest.json", "a.cell' is a model without a version: expected NAME/VERSION, as"),
        ("a/saved_model.pb", "a' is a model without a version"),
        ("a/v1.cell/manifest.json", "v1.cell' is no version: expected a whole number, as"),
        ("a/01/saved_model.pb", "a/01' is no version"),
    ],
)
def test_models_in_another_layout_are_told_with_what_was_meant(tmp_path, place, words):
    _model((tmp_path / "m" / place).parent, (tmp_path / place).name)
    with pytest.raises(aios.InvalidArgumentError) as caught:
        scan(tmp_path / "m")
    assert words in str(caught.value)


def test_a_folder_that_is_still_empty_and_one_that_can_not_be_read_hold_no_models(tmp_path):
    assert scan(tmp_path) == {}
    (tmp_path / "a").touch()
    assert scan(tmp_path) == {}
    with pytest.raises(aios.NotFoundError, match="Not a directory"):
        scan(tmp_path / "a")


def test_what_is_left_out_beside_models_is_told_too(folder):
    assert [text.partition(":")[0] for text in oddities(folder)] == [
        f"'{folder / 'a' / '01.cell'}' is no version",
        f"'{folder / 'a' / 'x.cell'}' is no version",
    ]
    assert oddities(folder / "a" / "1.cell") == []


def test_a_folder_that_can_not_be_listed_is_told(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    listed = type(tmp_path).iterdir

    def iterdir(path):
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(type(tmp_path), "iterdir", iterdir)
    with pytest.raises(aios.InvalidArgumentError, match="a' can't be read: let this user list it"):
        scan(tmp_path)


def test_a_name_that_is_not_utf_8_is_told_and_no_model(folder):
    odd = os.fsencode(folder) + b"/caf\xe9"
    os.makedirs(odd + b"/1.cell")
    with open(odd + b"/1.cell/manifest.json", "w") as file:
        file.write("{}")
    assert {key.name for key in scan(folder)} == {"a", "b"}
    (told,) = [text for text in oddities(folder) if "UTF-8" in text]
    assert "caf\\udce9' isn't named in UTF-8, as a model must be: rename it" in told


def test_a_link_to_a_name_that_is_too_long_is_no_model(tmp_path):
    (tmp_path / "a").symlink_to("x" * 300)
    assert scan(tmp_path) == {}
