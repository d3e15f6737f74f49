"""A manifest reads back as it was written, or is refused by name."""

import json
from dataclasses import replace

import pytest
from manifests import MANIFEST, publish_document

from aios.bundle.manifest import (
    ArtifactRecord,
    FileRecord,
    SignatureRecord,
    TensorRecord,
    hash_file,
    read_manifest,
    write_manifest,
)
from aios.errors import CorruptBundleError, NotFoundError, UnsupportedError


def test_a_manifest_reads_back_as_it_was_written(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST


def test_fields_of_artifacts_may_be_added_or_be_missing(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    document = json.loads((tmp_path / "manifest.json").read_text())
    (entry,) = document["artifacts"]
    entry["from_the_future"] = 1
    for name in ("golden_samples", "relative_error", "proven_range", "probes", "propagated"):
        del entry[name]
    del document["input_ranges"], document["own_samples"]
    publish_document(tmp_path, document)
    assert read_manifest(tmp_path) == MANIFEST


def test_a_files_record_has_its_size_and_sha256(tmp_path):
    (tmp_path / "m").write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_file(tmp_path, "m") == FileRecord("m", 3, digest)


def test_no_directory_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="nothing.cell"):
        read_manifest(tmp_path / "nothing.cell")


def test_an_edited_manifest_is_corrupt(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    text = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(text.replace("passed", "failed"))
    with pytest.raises(CorruptBundleError, match=r"doesn't match 'manifest\.sha256'"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("missing", ["manifest.json", "manifest.sha256"])
def test_a_missing_file_is_named(tmp_path, missing):
    write_manifest(tmp_path, MANIFEST)
    (tmp_path / missing).unlink()
    with pytest.raises(CorruptBundleError, match=missing):
        read_manifest(tmp_path)


def test_what_no_bundle_can_hold_is_refused_before_it_is_written(tmp_path):
    many = tuple(TensorRecord(f"x{number}", "float32", ()) for number in range(1025))
    signature = SignatureRecord("serve", many, many)
    with pytest.raises(UnsupportedError, match="'inputs' has 1025 entries, at most 1024"):
        write_manifest(tmp_path, replace(MANIFEST, signatures=(signature,)))
    assert not list(tmp_path.iterdir())


def test_a_long_reason_is_cut(tmp_path):
    declined = ArtifactRecord("litert", "any", "float32", "declined", reason="ä" * 100_000)
    write_manifest(tmp_path, replace(MANIFEST, artifacts=(declined,)))
    (artifact,) = read_manifest(tmp_path).artifacts
    assert artifact.reason == "ä" * (1 << 15)
