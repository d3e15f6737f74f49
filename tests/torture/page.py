"""The page of results."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from trial import ROOT, Trial

sys.path.append(str(ROOT))
from benchmarks.machine import machine, versions

_HEAD = """# Reliability

Written by `make torture`, which tries to break it. Each row can be repeated alone:

```text
.venv/bin/python tests/torture/run.py --only NAME
```

- Machine: {machine}
- Versions: {versions}
- Took: {minutes:.1f} minutes{counts}

| NAME | what | tried | result |
|---|---|--:|---|
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What a trial gave.

    Attributes:
        trial: Which.
        tried: How often; 0 where it failed.
        result: In words; the reason where it failed.
        ok: Every promise held.
        seconds: How long it took.
    """

    trial: Trial
    tried: int
    result: str
    ok: bool
    seconds: float

    @property
    def verdict(self) -> str:
        """The result, marked where it is a failure."""
        return self.result if self.ok else f"**FAILED**: {self.result}"

    def line(self) -> str:
        """For a terminal."""
        return f"{self.trial.name}: {self.tried:,} tried in {self.seconds:.0f} s: {self.verdict}"


def write_page(path: Path, rows: list[Row], counts: str) -> None:
    """Writes all rows, and what each means."""
    cores = machine(2)
    cores["cores"] = cores["cores"].partition(",")[0]
    head = _HEAD.format(
        machine="; ".join(f"{key}: {value}" for key, value in cores.items()),
        versions=", ".join(f"{name} {number}" for name, number in versions().items()),
        minutes=sum(row.seconds for row in rows) / 60,
        counts=counts,
    )
    table = "".join(
        f"| {row.trial.name} | {row.trial.title} | {row.tried:,} | {_cell(row.verdict)} |\n"
        for row in rows
    )
    meanings = "".join(f"- **{row.trial.name}**: {row.trial.meaning}\n" for row in rows)
    path.write_text(f"{head}{table}\n## What the rows mean\n\n{meanings}")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
