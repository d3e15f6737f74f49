"""Bundles in a home: kept by hash, healed, and never replaced by damaged ones."""

import shutil

import pytest
from workflow_doubles import flip

import aios
from aios.home.bundles import adopt_bundle, bundle_sha256
from aios.home.home_files import HomeFiles


def make_bundle(place, text):
    place.mkdir()
    (place / "weights").write_text(text)
    return place


def test_a_damaged_bundle_heals_when_it_is_registered_again(tmp_path):
    home = HomeFiles(tmp_path / "home")
    source = make_bundle(tmp_path / "a.cell", "weights of a")
    place, _ = adopt_bundle(home, source)
    flip(place / "weights")
    (place / "more").write_text("no file of it")
    adopt_bundle(home, source)
    assert (place / "weights").read_text() == "weights of a"
    assert not (place / "more").exists()
    assert list(home.content.tmp.iterdir()) == []


def test_a_damaged_bundle_never_replaces_a_good_one(tmp_path, bundle_copy):
    home = HomeFiles(tmp_path / "home")
    place, _ = adopt_bundle(home, bundle_copy)
    good = (place / "golden.safetensors").read_bytes()
    flip(bundle_copy / "golden.safetensors")
    with pytest.raises(aios.CorruptBundleError, match=r"golden\.safetensors: expected .* SHA-256"):
        adopt_bundle(home, bundle_copy)
    assert (place / "golden.safetensors").read_bytes() == good
    shutil.rmtree(place)
    with pytest.raises(aios.CorruptBundleError):
        adopt_bundle(home, bundle_copy)
    assert not place.exists()


def test_the_hash_of_a_bundle_is_its_manifests(digits):
    recorded = (digits.bundle / "manifest.sha256").read_text().strip()
    assert bundle_sha256(digits.bundle) == recorded
