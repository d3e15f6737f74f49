"""How every command lays out a table: whole at 80 columns, with long texts in lines below it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a listing.

    Attributes:
        name: The heading.
        right: Whether the cells are numbers, which end at one place.
        folds: Whether a cell may go on in the next line, as a path or a list does.
        usual: What every cell says where the column tells nothing, and is left out.
        spare: Not 0 where the column may be left out of a table that is too wide; 1 goes first.
    """

    name: str
    right: bool = False
    folds: bool = False
    usual: str = ""
    spare: int = 0


class Listing:
    """Rows of short cells, and below them a line for each that needs more words."""

    def __init__(self, *columns: Column | str) -> None:
        self._columns = [Column(item) if isinstance(item, str) else item for item in columns]
        self._rows: list[tuple[str | Text, ...]] = []
        self._notes: list[tuple[str, str | Text]] = []

    def add(self, *cells: str | Text, note: str | Text = "") -> None:
        """A row of one cell per column; the note is shown below, by the row's first cell."""
        self._rows.append(cells)
        if note:
            self.note(str(cells[0]), note)

    def note(self, subject: str, text: str | Text) -> None:
        """A line below the table."""
        self._notes.append((subject, text))

    def print(self, console: Console) -> None:
        """Prints the table in the console's width, then the notes."""
        if self._rows:
            _print(console, self._fitting(console))
        if self._notes:
            notes = Table.grid(padding=(0, 2, 0, 0))
            notes.add_column(no_wrap=True)
            notes.add_column(overflow="fold")
            for subject, text in self._notes:
                notes.add_row(Text(subject), Text(text) if isinstance(text, str) else text)
            if self._rows:
                console.print()
            _print(console, notes)

    def _fitting(self, console: Console) -> Table:
        shown = [index for index, column in enumerate(self._columns) if self._tells(index, column)]
        spare = sorted(
            (index for index in shown if self._columns[index].spare),
            key=lambda index: self._columns[index].spare,
        )
        table = self._table(shown)
        for index in spare:
            # What folds gets the room that is left: 24 columns are enough to read it.
            if self._width(console, shown) <= console.width:
                break
            shown.remove(index)
            table = self._table(shown)
        return table

    def _tells(self, index: int, column: Column) -> bool:
        return any(str(row[index]) != column.usual for row in self._rows)

    def _width(self, console: Console, shown: list[int]) -> int:
        folding = [index for index in shown if self._columns[index].folds]
        fixed = [index for index in shown if index not in folding]
        width = Measurement.get(console, console.options.update(width=1000), self._table(fixed))
        return width.maximum + 24 * len(folding)

    def _table(self, shown: list[int]) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for index in shown:
            column = self._columns[index]
            table.add_column(
                column.name,
                justify="right" if column.right else "left",
                no_wrap=not column.folds,
                overflow="fold",
            )
        for row in self._rows:
            cells = (row[index] for index in shown)
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))
        return table


def _print(console: Console, table: Table) -> None:
    """Without the blanks that a table's lines end in."""
    for line in console.render_lines(table, pad=False):
        text = Text.assemble(*((part.text, part.style or "") for part in line))
        text.rstrip()
        console.print(text)


def size(count: int) -> str:
    """A number of bytes in the largest unit below it, as "1.2 MB"."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


def microseconds(value: float) -> str:
    """A latency with as many digits as mean something."""
    return f"{value:,.2f}" if value < 1000 else f"{value:,.0f}"
