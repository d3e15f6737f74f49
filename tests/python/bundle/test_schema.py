"""What a manifest must say, and what it may not."""

import hashlib
import json

import pytest
from manifests import MANIFEST, publish_document

from aios.bundle.manifest import (
    read_manifest,
    write_manifest,
)
from aios.errors import CorruptBundleError, UnsupportedError


@pytest.mark.parametrize("part", [-1e-5, "NaN", "1e999", 1.5, True, None, "1e-4"])
@pytest.mark.parametrize("name", ["absolute", "relative"])
def test_a_tolerance_that_would_switch_the_gate_off_is_corrupt(tmp_path, name, part):
    write_manifest(tmp_path, MANIFEST)
    document = json.loads((tmp_path / "manifest.json").read_text())
    document["artifacts"][0]["tolerance"][name] = part
    text = json.dumps(document).replace('"NaN"', "NaN").replace('"1e999"', "1e999")
    (tmp_path / "manifest.json").write_text(text)
    (tmp_path / "manifest.sha256").write_text(hashlib.sha256(text.encode()).hexdigest() + "\n")
    # JSON has no NaN and no infinity.
    with pytest.raises(CorruptBundleError, match="tolerance|isn't JSON"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "bounds", [[1], [2, 1], ["a", 1], [None, 1], 5, "all", [0, "NaN"], [0, True]]
)
@pytest.mark.parametrize("of_artifact", [False, True])
def test_ranges_that_hold_nothing_are_corrupt(tmp_path, bounds, of_artifact):
    write_manifest(tmp_path, MANIFEST)
    document = json.loads((tmp_path / "manifest.json").read_text())
    place = document["artifacts"][0] if of_artifact else document
    place["proven_range" if of_artifact else "input_ranges"] = {"serve": {"x": bounds}}
    publish_document(tmp_path, document)
    with pytest.raises(CorruptBundleError, match="the range of 'x'"):
        read_manifest(tmp_path)


def test_another_format_version_is_unsupported(tmp_path):
    publish_document(tmp_path, {"format_version": 2})
    with pytest.raises(UnsupportedError, match="expected format_version 1, got 2"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "expected an object with 'format_version'"),
        ({"format_version": True}, "'format_version' isn't a number"),
        ({"format_version": 1}, "'signatures' is missing"),
        ({"format_version": 1, "signatures": 3}, "'signatures' isn't a list"),
    ],
)
def test_a_malformed_manifest_is_corrupt(tmp_path, document, told):
    publish_document(tmp_path, document)
    with pytest.raises(CorruptBundleError, match=told):
        read_manifest(tmp_path)
