"""Fields of a document that anybody may have written: types, sizes, depth."""

import pytest

from aios.bundle.fields import (
    is_integer,
    is_number,
    list_member,
    member,
    parse_json,
    shown,
    text_member,
)
from aios.errors import CorruptBundleError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"{", "it isn't JSON"),
        (b'{"x": NaN}', "it isn't JSON"),
        (b'{"x": 1e999}', "it isn't JSON"),
        (b'"\\ud800"', "it isn't JSON"),
        (b"\xff", "it isn't JSON"),
        (b"[[[1]]]", "it is nested deeper than 2 levels"),
    ],
)
def test_what_is_no_document_is_corrupt(text, told):
    with pytest.raises(CorruptBundleError, match=told):
        parse_json(text, 2)


def test_an_integer_that_fits_no_machine_is_a_float_as_in_cpp():
    document = parse_json(b"[18446744073709551615, 18446744073709551616, -9223372036854775809]", 1)
    assert [type(value) for value in document] == [int, float, float]


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda: member([], "a"), "expected an object with 'a'"),
        (lambda: member({}, "a"), "'a' is missing"),
        (lambda: list_member({"a": 3}, "a", 2), "'a' isn't a list"),
        (lambda: list_member({"a": [1, 2, 3]}, "a", 2), "'a' has 3 entries, at most 2 are allowed"),
        (lambda: text_member({"a": 3}, "a", 2), "'a' isn't a string"),
        (lambda: text_member({"a": ""}, "a", 2), "'a' has 0 bytes, expected 1 to 2"),
        (lambda: text_member({"a": "äö"}, "a", 3), "'a' has 4 bytes, expected 1 to 3"),
    ],
)
def test_a_member_of_the_wrong_type_or_size_is_named(read, told):
    with pytest.raises(CorruptBundleError, match=told):
        read()


def test_a_text_is_shown_short_and_on_one_line():
    assert shown("a\nb\x7f") == "a?b?"
    assert shown("x" * 65) == "x" * 64 + "..."
    assert shown("x" * 63 + "ä") == "x" * 63 + "..."


def test_truth_values_are_no_numbers():
    assert is_integer(3, 0, 3)
    assert not is_integer(4, 0, 3)
    assert not is_integer(True, 0, 3)
    assert not is_integer(3.0, 0, 3)
    assert is_number(3.5)
    assert not is_number(False)
