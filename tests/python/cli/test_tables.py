"""How a table is laid out in the width that there is."""

import io

import pytest
from rich.console import Console

from aios.cli.tables import Column, Listing, microseconds, size


def printed(listing, width=80):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    listing.print(console)
    return console.file.getvalue().splitlines()


def test_numbers_end_at_one_place_and_lines_have_no_blanks_at_their_end():
    listing = Listing("engine", Column("p50", right=True))
    listing.add("litert", "1.5")
    listing.add("compiled", "12.25")
    assert printed(listing) == ["engine      p50", "litert      1.5", "compiled  12.25"]


def test_a_column_that_tells_nothing_is_left_out():
    listing = Listing("engine", Column("precision", usual="float32"))
    listing.add("litert", "float32")
    assert printed(listing) == ["engine", "litert"]
    listing.add("litert", "int8")
    assert printed(listing)[0].split() == ["engine", "precision"]


def test_spare_columns_go_first_where_there_is_no_room():
    listing = Listing("name", Column("first", spare=1), Column("second", spare=2))
    listing.add("x" * 10, "y" * 10, "z" * 10)
    assert printed(listing, 40)[0].split() == ["name", "first", "second"]
    assert printed(listing, 30)[0].split() == ["name", "second"]
    assert printed(listing, 20)[0].split() == ["name"]


def test_what_folds_goes_on_in_the_next_line_and_loses_nothing():
    listing = Listing("name", Column("path", folds=True))
    path = "/home/somebody/" + "long/" * 12
    listing.add("a", path)
    head, *rest = printed(listing, 40)
    assert head.split() == ["name", "path"]
    assert len(rest) > 1
    assert "".join(line[4:].strip() for line in rest).replace(" ", "") == path


def test_notes_stand_below_by_the_first_cell():
    listing = Listing("engine", "state")
    listing.add("openvino", "declined", note="it isn't [installed]")
    assert printed(listing) == [
        "engine    state", "openvino  declined", "", "openvino  it isn't [installed]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"),
     (9_876_543_210, "9.9 GB"), (1_234_567_890_123, "1,234.6 GB")],
)  # fmt: skip
def test_sizes_are_in_the_largest_unit_below_them(count, shown):
    assert size(count) == shown


def test_latencies_have_as_many_digits_as_mean_something():
    assert [microseconds(value) for value in (0.144, 999.5, 1234.56)] == ["0.14", "999.50", "1,235"]
