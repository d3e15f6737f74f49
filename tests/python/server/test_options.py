"""Options that are declared once are checked by what was declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import aios
from aios.server.options import check_options, from_table, option, options_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    share: float = option(0.5, "A share.", minimum=0, maximum=1)

    def __post_init__(self):
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    count: int = option(3, "How many.", minimum=1, flags=("--count", "-n"))
    limit: int | None = option(None, "None for no limit.", minimum=0)
    on: bool = option(True, "Whether.")
    kind: str = option("a", "Which.", choices=("a", "b"))
    place: Path | None = option(None, "Where.")
    names: tuple[str, ...] = option((), "Who.")
    inner: Inner | None = option(None, "One table.")
    by_name: Mapping[str, Inner] = option({}, "Many tables.", flags=())

    def __post_init__(self):
        check_options(self)


def test_what_is_declared_can_be_asked_for():
    by_name = {each.name: each for each in options_of(Outer)}
    assert list(by_name)[:3] == ["count", "limit", "on"]
    assert (by_name["count"].kind, by_name["limit"].kind) == (int, int)
    assert (by_name["count"].default, by_name["by_name"].default) == (3, {})
    assert by_name["count"].flags == ("--count", "-n")
    assert by_name["by_name"].flags == ()
    assert by_name["place"].flags == ("--place",)


def test_values_get_the_types_they_are_declared_with():
    made = from_table(
        Outer,
        {
            "place": "x",
            "names": ["a", "b"],
            "inner": {"share": 1},
            "by_name": {"m": {"share": 0.25}, "n": Inner()},
        },
    )
    assert made.place == Path("x")
    assert made.names == ("a", "b")
    assert made.inner == Inner(share=1.0)
    assert isinstance(made.inner.share, float)
    assert made.by_name == {"m": Inner(share=0.25), "n": Inner(share=0.5)}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"count": 0}, "count: expected a whole number of 1 or more, such as 3, got 0"),
        ({"count": "3"}, "count: expected a whole number of 1 or more, such as 3, got '3'"),
        ({"count": True}, "count: expected a whole number"),
        ({"count": None}, "count: expected a whole number"),
        ({"limit": 1.5}, "limit: expected a whole number of 0 or more, got 1.5"),
        ({"on": 1}, "on: expected true or false, got 1"),
        ({"kind": "c"}, "kind: expected 'a' or 'b', got 'c'"),
        ({"place": 3}, "place: expected a path, got 3"),
        ({"names": "ab"}, "names: expected a list, got 'ab'"),
        ({"names": [1]}, "names: expected text, got 1"),
        ({"inner": {"share": 2}}, "inner.share: expected a number from 0 to 1, such as 0.5, got 2"),
        ({"inner": {"share": float("nan")}}, "inner.share: expected a number"),
        ({"inner": 3}, "inner: expected a table of options, got 3"),
        ({"by_name": {"m": {"sahre": 1}}}, "by_name.m.sahre: no such option; did you mean 'share'"),
        ({"by_name": []}, "by_name: expected a table by name"),
        ({"cuont": 1}, "cuont: no such option; did you mean 'count'?"),
        ({"zzz": 1}, "zzz: no such option; there are count, limit"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(table, words):
    with pytest.raises(aios.InvalidArgumentError) as caught:
        from_table(Outer, table)
    assert str(caught.value).startswith(words)
