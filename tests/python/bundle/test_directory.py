"""A bundle's directory: its files are of one bundle, and nothing else than files."""

import os

import pytest

from aios.bundle.directory import BundleDirectory
from aios.errors import CorruptBundleError, NotFoundError


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "m.cell" / "inner").mkdir(parents=True)
    (tmp_path / "m.cell" / "inner" / "a.bin").write_bytes(b"abc")
    return BundleDirectory(tmp_path / "m.cell")


def test_a_files_content_and_record_are_told(directory):
    assert directory.content("inner/a.bin") == b"abc"
    record = directory.record_of("inner/a.bin")
    assert (record.path, record.bytes, record.sha256[:8]) == ("inner/a.bin", 3, "ba7816bf")


def test_another_directory_at_the_path_changes_nothing(directory, tmp_path):
    assert directory.is_still_there()
    os.rename(tmp_path / "m.cell", tmp_path / "old")
    (tmp_path / "m.cell").mkdir()
    assert not directory.is_still_there()
    assert directory.content("inner/a.bin") == b"abc"


def test_links_and_what_is_no_file_are_refused(directory, tmp_path):
    os.symlink("a.bin", tmp_path / "m.cell" / "inner" / "link")
    os.symlink("inner", tmp_path / "m.cell" / "folder")
    os.mkfifo(tmp_path / "m.cell" / "fifo")
    for path in ("inner/link", "folder/a.bin", "fifo", "inner", "none"):
        with pytest.raises(CorruptBundleError, match=f"'{path}'"):
            directory.content(path)


def test_a_file_that_is_larger_than_it_may_be_is_refused(directory):
    assert directory.read_small("inner/a.bin", 3) == b"abc"
    with pytest.raises(CorruptBundleError, match="it has 3 bytes, at most 2 are allowed"):
        directory.read_small("inner/a.bin", 2)


def test_a_file_that_is_written_to_is_another_one(directory, tmp_path):
    before = directory.identity_of("inner/a.bin")
    assert directory.identity_of("inner/a.bin") == before
    (tmp_path / "m.cell" / "inner" / "a.bin").write_bytes(b"abcd")
    assert directory.identity_of("inner/a.bin") != before


def test_no_directory_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match=r"no bundle at .*none"):
        BundleDirectory(tmp_path / "none")
