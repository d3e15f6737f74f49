"""The page docs/zoo.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.applications.figures import EngineFigures, Figures

COMPILE_LIMIT_S = 60.0
PEAK_LIMIT_BYTES = 12 << 30
_ENGINES = ("compiled", "litert", "openvino", "tensorflow")

_INTRODUCTION = """\
# Keras applications

Each of `keras.applications` in this list, at its default image size, with `weights=None` and batch
normalisation's statistics from noise, is exported for every engine, and every artifact judged on
the bundle's golden samples. `make zoo` writes this page, and repeats all of it.
"""
_NOTES = """\
- **error**: the largest over all golden samples, in tolerances of the export (1e-5 of the largest
  answer, 1e-4 of each): over 1 fails. Samples at 10 and 100 times the images' range are among them.
- **ms**: one image on one thread, the best of seven turns' medians, through the cell.
- **MB**: what is shipped: for compiled code its library and weights, for one processor.
- **compile**: seconds from the `.tflite` graphs to the files of both targets, `native` and
  `x86-64-v3`, which are compiled side by side on two cores; in brackets the processor's time. An
  artifact whose error is large is compiled once more, exactly, which takes as long again.
- **export**: seconds for all of `aios.export`; **peak**: the most memory that it and its child
  processes had at one time, a page that they share counted once (`Pss` of Linux).
- **against float64**: median over images of the largest error of an answer, as a part of its
  largest value: compiled code without Strassen's and Winograd's algorithms (`exact`), and LiteRT.
"""


def page(found: Sequence[Figures], machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """The Markdown page."""
    lines = [_INTRODUCTION]
    for title, items in (("Machine", machine), ("Versions", versions)):
        lines.append(f"- {title}: " + "; ".join(f"{k} {v}" for k, v in items.items()))
    lines += ["", verdict(found), "", *_engines(found), "", *_exports(found), "", _NOTES]
    return "\n".join(lines)


def verdict(found: Sequence[Figures]) -> str:
    """In how many the engines serve, and whether the limits are kept."""
    served = [item.name for item in found if any(_passed(item, engine) for engine in _ENGINES)]
    compiled = [item.name for item in found if _passed(item, "compiled")]
    slow = [item.name for item in found if item.compile_s > COMPILE_LIMIT_S]
    large = [item.name for item in found if item.peak_bytes > PEAK_LIMIT_BYTES]
    return (
        f"Served by some engine: {len(served)} of {len(found)}. "
        f"Compiled code passes: {len(compiled)} of {len(found)}"
        f"{_but([item.name for item in found if item.name not in compiled])}. "
        f"Compiled within {COMPILE_LIMIT_S:g} s: {len(found) - len(slow)}{_but(slow)}. "
        f"Exported within {PEAK_LIMIT_BYTES >> 30} GiB: {len(found) - len(large)}{_but(large)}."
    )


def _but(names: Sequence[str]) -> str:
    return f", all but {', '.join(names)}" if names else ""


def _passed(item: Figures, engine: str) -> EngineFigures | None:
    passed = (e for e in item.engines if e.engine == engine and e.verdict == "passed")
    return next(passed, None)


def _engines(found: Sequence[Figures]) -> list[str]:
    head = [f"{engine}: error · ms · MB" for engine in _ENGINES]
    return _table(
        ["application", "parameters", *head],
        [[i.name, f"{i.parameters / 1e6:.1f} M", *(_cell(i, e) for e in _ENGINES)] for i in found],
    )


def _cell(item: Figures, engine: str) -> str:
    passed = _passed(item, engine)
    if passed is None:
        refused = next((e for e in item.engines if e.engine == engine), None)
        words = item.failed if refused is None else f"{refused.verdict}: {refused.reason}"
        return words.replace("|", "\\|")
    error = "–" if passed.tolerances is None else f"{passed.tolerances:.2g}"
    latency = "–" if passed.p50_ms is None else f"{passed.p50_ms:.3g}"
    return f"{error} · {latency} · {passed.size_bytes / 1e6:.0f}"


def _exports(found: Sequence[Figures]) -> list[str]:
    head = ["application", "compile s", "export s", "peak GiB", "exact, against float64", "LiteRT"]
    return _table(head, [_export(item) for item in found])


def _export(item: Figures) -> list[str]:
    errors = (item.exact_error, item.litert_error)
    return [
        item.name,
        f"{item.compile_s:.0f} ({item.compile_cpu_s:.0f})",
        f"{item.export_s:.0f}",
        f"{item.peak_bytes / 2**30:.1f}",
        *("–" if error is None else f"{error:.1e}" for error in errors),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]
