"""Files are read and compared in pieces, and one that changes meanwhile is noticed."""

import hashlib

import pytest

import aios
from aios.home.file_contents import chunks, holds, same_tree, slices, unchanged

LARGE = bytes(range(256)) * 8192  # two pieces


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "file"
    place.write_bytes(LARGE)
    return place


def test_a_file_comes_in_pieces_that_make_it_up(file):
    pieces = list(chunks(file))
    assert len(pieces) == 2
    assert b"".join(pieces) == LARGE == b"".join(slices(LARGE))


@pytest.mark.parametrize(
    ("content", "same"),
    [(LARGE, True), (LARGE[:-1], False), (LARGE + b"x", False), (b"x" + LARGE[1:], False)],
    ids=["the same", "longer than asked", "shorter than asked", "another"],
)
def test_a_file_holds_a_content_or_not(file, content, same):
    assert holds(file, slices(content)) is same
    assert not holds(file.with_name("missing"), slices(content))


def test_trees_are_the_same_by_names_and_bytes(tmp_path):
    for name, text in (("one", "a"), ("two", "a"), ("three", "b")):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "file").write_text(text)
    assert same_tree(tmp_path / "one", tmp_path / "two")
    assert not same_tree(tmp_path / "one", tmp_path / "three")
    (tmp_path / "two" / "more").write_text("")
    assert not same_tree(tmp_path / "one", tmp_path / "two")


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(aios.NotFoundError, match="missing: no such file"):
        list(chunks(tmp_path / "missing"))
    with pytest.raises(aios.FailedPreconditionError, match="can't be read"):
        list(chunks(tmp_path))


def test_a_file_that_changes_while_it_is_read_is_refused(file):
    assert b"".join(unchanged(file, hashlib.sha256(LARGE).hexdigest())) == LARGE
    with pytest.raises(aios.FailedPreconditionError, match="changed while it was stored"):
        list(unchanged(file, "0" * 64))
