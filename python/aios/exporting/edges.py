"""Edge cases of samples: what a training model and its artifacts are asked beside the usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aios.bundle.comparison import Array, Arrays
from aios.bundle.dtypes import float_limits, is_float
from aios.bundle.ranges import InputRanges, Range

#: How many times the samples' largest value has to be proved, where nothing else is asked for.
REACH = 100
#: What stands for a missing value where people keep data, and what no data hold.
_SENTINELS = (-1.0, -9999.0, 1e9, -1e9, 1e30, -1e30)
_NOT_FINITE = (np.nan, np.inf, -np.inf)
_SCALES = (10, -10, REACH, -REACH)
#: Zeros, denormals and negative zeros.
NEAR_EDGES = 3


@dataclass(frozen=True, slots=True)
class Edges:
    """Samples with their edge cases behind them; axis 0 of every array counts calls.

    The first `near` calls are the samples, zeros, denormals and negative zeros; the last `probes`
    have NaN and infinities among their values. Between them, the values get larger and larger.
    """

    arrays: Arrays
    near: int
    probes: int


def with_edges(samples: Arrays, asked: InputRanges) -> Edges:
    """Appends edge cases of the first sample, in which all inputs of floats change alike.

    Integers, bools and strings, whose values must stay in range, keep those of the sample; without
    floats there are no edge cases.

    Args:
        samples: Calls, by input.
        asked: Ranges that the edge cases don't leave, of the inputs that have one.
    """
    count = len(next(iter(samples.values()))) if samples else 1
    floats = [name for name, array in samples.items() if is_float(array.dtype)]
    if not floats:
        return Edges(dict(samples), count, 0)
    finite = {name: _finite_edges(samples[name], asked.get(name), bool(asked)) for name in floats}
    kept = _different([np.stack(edges) for edges in finite.values()])
    arrays = {}
    for name, array in samples.items():
        if name in finite:
            edges = [finite[name][row] for row in kept] + _probes(array[0])
            arrays[name] = np.concatenate([array, np.stack(edges)])
        else:
            rows = np.arange(len(kept) + len(_NOT_FINITE)) % count
            arrays[name] = np.concatenate([array, array[rows]])
    return Edges(arrays, count + NEAR_EDGES, len(_NOT_FINITE))


def required_ranges(samples: Arrays, asked: InputRanges) -> InputRanges:
    """What has to be proved: what is asked for, else REACH times the samples' largest value.

    Bounds are such as the input's dtype can hold.
    """
    found = {}
    for name, array in samples.items():
        if not is_float(array.dtype):
            continue
        if name in asked:
            low, high = asked[name]
            held = array.dtype.type(low), array.dtype.type(high)
            found[name] = (min(low, float(held[0])), max(high, float(held[1])))
        else:
            found[name] = _reach(array)
    return found


def draw_floats(
    generator: np.random.Generator, shape: tuple[int, ...], asked: Range | None
) -> Array:
    """N(0,1) in the range asked for; evenly from that, where N(0,1) mostly lies outside."""
    if asked is None:
        return generator.standard_normal(shape)
    low, high = asked
    if low > -2 or high < 2:
        return generator.uniform(low, high, shape)
    return generator.standard_normal(shape).clip(low, high)


def _finite_edges(samples: Array, asked: Range | None, with_bounds: bool) -> list[Array]:
    """Edge cases of one input; as many for every input of a signature."""
    sample = samples[0]
    tiny = float_limits(sample.dtype).smallest_subnormal
    edges = [np.zeros_like(sample), np.full_like(sample, tiny), -np.zeros_like(sample)]
    edges += [_scaled(sample, scale) for scale in _SCALES]
    if with_bounds:
        bounds = [_held(sample, bound) for bound in asked or _reach(samples)]
        edges += [np.full_like(sample, bound) for bound in bounds]
        edges += [_with_every_other(sample, bound) for bound in bounds]
    edges += [_with_every_other(sample, _held(sample, value)) for value in _SENTINELS]
    if asked is None:
        return edges
    low, high = (_held(sample, bound) for bound in asked)
    return [_clipped(edge, low, high) for edge in edges]


def _reach(samples: Array) -> Range:
    bound = float(np.abs(_scaled(_finite(samples), REACH)).max(initial=0)) or 1.0
    return (-bound, bound)


def _probes(sample: Array) -> list[Array]:
    return [_with_every_other(sample, value) for value in _NOT_FINITE]


def _with_every_other(sample: Array, value: float) -> Array:
    """Values are missing here and there, and rarely all at once."""
    changed = sample.copy()
    changed.reshape(-1)[::2] = value
    return changed


def _scaled(values: Array, scale: int) -> Array:
    limits = float_limits(values.dtype)
    with np.errstate(over="ignore"):
        scaled = values * np.asarray(scale, values.dtype)
    return _clipped(scaled, limits.min, limits.max)


def _clipped(values: Array, low: float, high: float) -> Array:
    """NumPy would give bfloat16 another dtype."""
    return np.asarray(values.clip(low, high), values.dtype)


def _held(sample: Array, value: float) -> float:
    """The nearest value that the dtype holds."""
    limits = float_limits(sample.dtype)
    return float(sample.dtype.type(np.clip(value, float(limits.min), float(limits.max))))


def _finite(array: Array) -> Array:
    return array[np.isfinite(array)]


def _different(columns: list[Array]) -> list[int]:
    """Rows that aren't one before them once more, beside those that are always kept."""
    seen: dict[bytes, int] = {}
    for row in range(len(columns[0])):
        seen.setdefault(b"".join(column[row].tobytes() for column in columns), row)
    return sorted({*range(NEAR_EDGES), *seen.values()})
