"""What is kept of other software's errors."""

import pytest

from aios.exporting.reasons import reason_of, shortened

_DUMP = "{'name': 'dw', 'config': {'seed': None}}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("one\ntwo", "one"),
        ("It failed.", "It failed"),
        ("Found:\n  a b", "Found: a b"),
        (
            f"Error when deserializing class 'A' using config={_DUMP}.\n\n"
            "Exception encountered: Unrecognized arguments: {'groups': 1}",
            "Unrecognized arguments: {'groups': 1}",
        ),
        (f"Could not locate class 'A'. Full object config: {_DUMP}", "Could not locate class 'A'"),
        (
            "Exception encountered when calling A.call().\n\n\x1b[1mno such axis\x1b[0m\n\n"
            "Arguments received by A.call():\n  • x=1",
            "Exception encountered when calling A.call(). no such axis",
        ),
        (
            'in user code:\n\n    File "a.py", line 3, in f  *\n        g()\n'
            "    ValueError: shapes differ\n",
            "ValueError: shapes differ",
        ),
    ],
)
def test_what_is_wrong_is_kept_and_dumps_are_not(text, reason):
    assert reason_of(ValueError(text)) == reason


def test_an_error_without_words_is_shown_as_it_is():
    assert reason_of(KeyError()) == "KeyError()"


def test_a_long_reason_is_cut_between_words():
    text = "word " * 1000
    assert reason_of(ValueError(text)).endswith("word …")
    assert len(reason_of(ValueError(text))) <= 2000
    assert shortened("one, two three", 9) == "one …"
    assert shortened("one two", 7) == "one two"
