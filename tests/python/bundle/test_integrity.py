"""What a bundle must prove before its files are used."""

from dataclasses import replace

import pytest

from aios.bundle.integrity import check_files, open_bundle
from aios.bundle.manifest import (
    ArtifactRecord,
    GraphRecord,
    Manifest,
    SignatureRecord,
    TensorRecord,
    hash_file,
    write_manifest,
)
from aios.errors import CorruptBundleError

SIGNATURE = SignatureRecord(
    "serve", (TensorRecord("x", "float32", (-1,)),), (TensorRecord("y", "float32", (-1,)),)
)


@pytest.fixture
def root(tmp_path):
    """A bundle with one artifact, whose graph is a folder of one file."""
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph" / "a.bin").write_bytes(b"abc")
    (tmp_path / "golden").write_bytes(b"xyz")
    artifact = ArtifactRecord(
        "tensorflow", "any", "float32", "passed",
        (hash_file(tmp_path, "graph/a.bin"),), (GraphRecord("graph"),),
    )  # fmt: skip
    files = (hash_file(tmp_path, "golden"),)
    write_manifest(tmp_path, Manifest((SIGNATURE,), (artifact,), files, "golden", None, {}))
    return tmp_path


def test_files_that_are_what_was_exported_are_checked_once(root):
    bundle = open_bundle(root)
    check_files(bundle, sizes_only=False)
    assert bundle.checked.keys() == {"golden", "graph/a.bin"}
    (root / "golden").write_bytes(b"other")
    check_files(bundle, sizes_only=False)


@pytest.mark.parametrize(
    ("content", "sizes_only", "told"),
    [(b"abcd", True, "expected 3 bytes, got 4"), (b"abd", False, "expected SHA-256 ba7816bf")],
)
def test_a_file_of_another_size_or_content_is_named(root, content, sizes_only, told):
    (root / "graph" / "a.bin").write_bytes(content)
    with pytest.raises(CorruptBundleError, match=f"'graph/a.bin'.*{told}"):
        check_files(open_bundle(root), sizes_only=sizes_only)


def test_a_change_of_the_same_size_is_found_by_its_hash_alone(root):
    (root / "graph" / "a.bin").write_bytes(b"abd")
    check_files(open_bundle(root), sizes_only=True)


def test_a_file_that_no_record_names_may_not_lie_in_a_graphs_folder(root):
    (root / "graph" / "assets").mkdir()
    (root / "graph" / "assets" / "b.bin").write_bytes(b"")
    with pytest.raises(CorruptBundleError, match=r"'graph/assets/b.bin'.*isn't in the manifest"):
        check_files(open_bundle(root), sizes_only=True)


def test_a_file_that_is_written_to_after_it_was_checked_is_named(root):
    bundle = open_bundle(root)
    check_files(bundle, sizes_only=True)
    (artifact,) = bundle.manifest.artifacts
    bundle.require_unchanged(artifact)
    (root / "graph" / "a.bin").write_bytes(b"abcd")
    with pytest.raises(CorruptBundleError, match="written to after it had been checked"):
        bundle.require_unchanged(artifact)
    bundle.require_unchanged(replace(artifact, files=()))
