"""Fair timing on a noisy machine: contenders take turns, and a control runs against itself."""

from __future__ import annotations

import ctypes
import random
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

#: A program against itself; outside, the measurement says nothing.
CONTROL_BAND = (0.97, 1.03)
#: Shorter calls are timed several at once, so that reading the clock costs nothing.
_CHUNK_US = 5.0
#: How many times as many rounds there are at most while the control is outside its band.
_PATIENCE = 10

Latencies = npt.NDArray[np.float64]


class Call(Protocol):
    """What can be called and timed."""

    def latencies_us(self, samples: int, chunk: int) -> Latencies:
        """`samples` mean latencies of `chunk` calls each."""


@dataclass(frozen=True, slots=True)
class PythonCall:
    """A call from Python."""

    call: Callable[[], object]

    def latencies_us(self, samples: int, chunk: int) -> Latencies:
        """See Call."""
        call, clock = self.call, time.perf_counter_ns
        found = np.empty(samples)
        if chunk == 1:
            for index in range(samples):
                begin = clock()
                call()
                found[index] = clock() - begin
            return found / 1e3
        steps = range(chunk)
        for index in range(samples):
            begin = clock()
            for _ in steps:
                call()
            found[index] = clock() - begin
        return found / (1e3 * chunk)


@dataclass(frozen=True, slots=True)
class Statement:
    """Python code as a user types it, timed without a function around it.

    Attributes:
        code: One or more statements.
        names: What its names mean.
    """

    code: str
    names: dict[str, Any]

    def latencies_us(self, samples: int, chunk: int) -> Latencies:
        """See Call."""
        timer = timeit.Timer(self.code, globals=self.names)
        found = [timer.timeit(chunk) for _ in range(samples)]
        return np.array(found) * (1e6 / chunk)


@dataclass(frozen=True, slots=True)
class NativeCall:
    """A C function of up to six pointers or integers that returns 0, called from a loop in C++.

    Attributes:
        function: Its address.
        arguments: What it takes.
        keep: What must live as long as this.
    """

    function: int
    arguments: tuple[int, ...]
    keep: Any = None

    def latencies_us(self, samples: int, chunk: int) -> Latencies:
        """See Call."""
        from benchmarks.native import loops

        found = np.empty(samples)
        arguments = (ctypes.c_size_t * 6)(*self.arguments)
        status = loops().aios_bench_time(
            ctypes.c_void_p(self.function),
            arguments,
            ctypes.c_int64(samples),
            ctypes.c_int64(chunk),
            ctypes.c_void_p(found.ctypes.data),
        )
        if status:
            raise RuntimeError(f"a timed call failed with status {status}")
        return found


@dataclass(slots=True)
class Timing:
    """The latency of one contender, round by round.

    The best round is the one that the machine's other work disturbed least.
    """

    p50s_us: list[float] = field(default_factory=list)
    p99s_us: list[float] = field(default_factory=list)
    cpus_us: list[float] = field(default_factory=list)
    samples: int = 0

    @property
    def p50_us(self) -> float:
        """The median of the best round."""
        return min(self.p50s_us)

    @property
    def p99_us(self) -> float:
        """The lowest 99th percentile of a round; the slowest call where a round has few."""
        enough = self.samples >= 100 * len(self.p99s_us)
        return min(self.p99s_us) if enough else max(self.p99s_us)

    @property
    def cpu_us(self) -> float:
        """Processor time of a call, of all the process's threads, in the best round.

        On a quiet machine it is the latency; on a shared one it leaves out waiting for a core, and
        counts what helping threads burn.
        """
        return min(self.cpus_us)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure.

    Attributes:
        rounds: Turns of every contender.
        round_s: Time of one turn, unless one call takes longer.
        budget_s: All turns together; there are 3 at least, and as much time again is spent while
            the control is outside its band.
    """

    rounds: int = 7
    round_s: float = 0.04
    budget_s: float = 12.0


def interleaved(
    calls: Mapping[str, Call], control: tuple[str, str] | None, plan: Plan
) -> tuple[dict[str, Timing], float]:
    """Times calls in turns, in a new order in each round.

    Args:
        calls: What to time, by name.
        control: Two names of the same call.
        plan: How long.

    Returns:
        The timing of each, and the control's ratio (1 without one).
    """
    counts = {name: _counts(call, plan.round_s) for name, call in calls.items()}
    timings = {name: Timing() for name in calls}
    order = list(calls)
    shuffle = random.Random(0).shuffle
    begin, turn, ratio = time.perf_counter(), 0, 1.0
    while True:
        spent = time.perf_counter() - begin
        if turn >= 3 and (turn >= plan.rounds or spent > plan.budget_s):
            fair = CONTROL_BAND[0] <= ratio <= CONTROL_BAND[1]
            late = turn >= 6 and spent > 2 * plan.budget_s
            if fair or late or turn >= _PATIENCE * plan.rounds:
                return timings, ratio
        shuffle(order)
        for name in order:
            _round(calls[name], *counts[name], timings[name])
        turn += 1
        if control is not None:
            ratio = timings[control[1]].p50_us / timings[control[0]].p50_us


def _counts(call: Call, round_s: float) -> tuple[int, int]:
    """How many samples a round takes, and how many calls each."""
    once_us = float(call.latencies_us(1, 1)[0])
    if once_us > round_s * 1e6:
        return 1, 1
    chunk = 3
    # Twice, because reading the clock counts in the first, and two of the same need one chunk.
    for _ in range(2):
        once_us = max(float(call.latencies_us(3, chunk).min()), 0.02)
        chunk = max(1, round(_CHUNK_US / once_us))
    return max(1, int(round_s * 1e6 / (once_us * chunk))), chunk


def _round(call: Call, samples: int, chunk: int, timing: Timing) -> None:
    if samples > 1:
        call.latencies_us(1 + samples // 20, chunk)
    begin = time.process_time()
    found = call.latencies_us(samples, chunk)
    timing.cpus_us.append((time.process_time() - begin) * 1e6 / (samples * chunk))
    timing.p50s_us.append(float(np.median(found)))
    if chunk > 1:
        found = call.latencies_us(samples, 1)
    timing.p99s_us.append(float(np.percentile(found, 99)))
    timing.samples += samples
