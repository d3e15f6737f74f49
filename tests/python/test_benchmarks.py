"""The benchmark's own arithmetic: errors, turns, verdicts."""

import numpy as np
import pytest
from benchmarks import bars, timing
from benchmarks.applications import report
from benchmarks.applications.figures import EngineFigures, Figures, from_dict
from benchmarks.contender import tolerances
from benchmarks.harness import Entry, Row
from benchmarks.peers import cells, litert


class Scripted:
    """A call that claims given latencies, one round after another."""

    def __init__(self, *rounds_us: float) -> None:
        self.rounds_us, self.turn = rounds_us, 0

    def latencies_us(self, samples: int, chunk: int) -> np.ndarray:
        latency = self.rounds_us[min(self.turn, len(self.rounds_us) - 1)]
        self.turn += 1
        return np.full(samples, latency)


def test_an_error_of_one_tolerance_is_one() -> None:
    reference = np.array([[0.0, 2.0]], np.float32)
    answer = np.array([[2e-5, 2.0]], np.float32)
    assert tolerances(answer, reference) == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("answer", [[[np.nan, 2.0]], [[0.0, 2.0], [0.0, 2.0]]])
def test_nan_and_another_shape_are_infinitely_wrong(answer: list[list[float]]) -> None:
    reference = np.array([[0.0, 2.0]], np.float32)
    assert tolerances(np.array(answer, np.float32), reference) == np.inf


def test_the_best_round_counts() -> None:
    calls = {"a": Scripted(9e6, 7e6, 5e6, 8e6), "b": Scripted(6e6)}
    timings, ratio = timing.interleaved(calls, None, timing.Plan(rounds=3, round_s=0.001))
    assert (timings["a"].p50_us, timings["a"].p99_us) == (5e6, 8e6)
    assert (timings["b"].p50_us, ratio) == (6e6, 1.0)


def test_a_control_outside_its_band_is_measured_longer_then_reported() -> None:
    calls = {"a": Scripted(1e6), "b": Scripted(1.1e6)}
    plan = timing.Plan(rounds=3, round_s=0.001, budget_s=60)
    timings, ratio = timing.interleaved(calls, ("a", "b"), plan)
    assert ratio == pytest.approx(1.1)
    assert len(timings["a"].p50s_us) == 30


def test_a_failing_c_function_is_not_a_fast_one() -> None:
    import ctypes

    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda _: 3)
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    with pytest.raises(RuntimeError, match="status 3"):
        timing.NativeCall(address, (0,), function).latencies_us(1, 1)


def row(control: float, peer_us: float) -> Row:
    entries = [
        Entry(cells.CELL, "AIOS", "", "C", p50_us=1.5),
        Entry(cells.CELL_BOUND, "AIOS", "", "C", p50_us=1.0),
        Entry(cells.RUN, "AIOS", "", "C", p50_us=0.5),
        Entry(litert.INVOKE, "LiteRT", "", "C", p50_us=peer_us),
    ]
    return Row("cnn", "CNN", 1, 1, 1, 1, entries, {"C": control})


@pytest.mark.parametrize(
    ("control", "peer_us", "verdicts"),
    [
        (1.0, 2.0, ("goal", "goal")),
        (1.0, 1.4, ("floor", "goal")),
        (1.0, 0.8, ("missed", "floor")),
        (1.04, 9.0, ("void", "void")),
    ],
)
def test_a_bar_is_judged_by_its_ratio_and_its_control(
    control: float, peer_us: float, verdicts: tuple[str, str]
) -> None:
    (judgement,) = bars.judge([row(control, peer_us)])
    assert judgement.ratio == pytest.approx(peer_us)
    assert judgement.run_ratio == pytest.approx(2 * peer_us)
    assert (judgement.verdict, judgement.run_verdict) == verdicts


def auto_row(model: str, auto: list[float], peer: list[float], control: float = 1.0) -> Row:
    def entry(name: str, program: str, rounds: list[float], engine: str = "") -> Entry:
        return Entry(name, program, "", "C", p50_us=min(rounds), rounds_us=rounds, engine=engine)

    entries = [
        entry(cells.CELL, "AIOS", [1.0] * len(auto), "compiled"),
        entry(cells.ENGINES["litert"], "AIOS", [0.9] * len(auto), "litert"),
        entry(cells.AUTO, "AIOS", auto, "litert"),
        entry(litert.INVOKE, "LiteRT", peer),
    ]
    return Row(model, model, 1, 1, 1, 1, entries, {"C": control})


@pytest.mark.parametrize(
    ("auto", "control", "verdicts"),
    [
        # One disturbed round of three changes nothing.
        ([0.9, 9.0, 0.9], 1.0, ("met", "met")),
        ([0.94, 0.94, 0.94], 1.0, ("met", "met")),
        ([1.0, 1.0, 1.0], 1.0, ("missed", "met")),
        ([2.1, 2.1, 2.1], 1.0, ("missed", "missed")),
        ([0.9, 0.9, 0.9], 1.04, ("void", "void")),
    ],
)
def test_auto_is_judged_round_by_round_against_the_best_engine_and_peer(
    auto: list[float], control: float, verdicts: tuple[str, str]
) -> None:
    (judgement,) = bars.judge_auto([auto_row("cnn", auto, [2.0, 2.0, 2.0], control)])
    assert (judgement.engine_verdict, judgement.peer_verdict) == verdicts
    assert judgement.single is not None
    assert judgement.single.engine == "litert"
    assert judgement.peer_ratio == pytest.approx(2.0 / sorted(auto)[1])


def test_the_mean_of_the_small_models_needs_all_of_them() -> None:
    rows = [auto_row(model, [1.0], [2.0]) for model in bars.SMALL[:3]]
    assert bars.small_models_mean(bars.judge_auto(rows)) is None
    rows += [auto_row(model, [1.0], [8.0]) for model in bars.SMALL[3:]]
    assert bars.small_models_mean(bars.judge_auto(rows)) == pytest.approx(4.0)


def test_the_page_of_the_applications_names_those_that_miss_a_limit() -> None:
    compiled = EngineFigures("compiled", "native", "passed", "", 0.25, 12_000_000, 0.65)
    declined = EngineFigures("compiled", "native", "declined", "no kernel of A|B")
    lite = EngineFigures("litert", "any", "passed", "", 0.5, 20_000_000, 1.0)
    found = [
        Figures("Small", 2_600_000, (compiled, lite), 30.0, 2 << 30, 20.0, 30.0, 2e-6, 3e-6),
        Figures("Large", 138_000_000, (declined, lite), 90.0, 13 << 30, 61.0, 70.0),
    ]
    said = report.verdict(found)
    assert "Served by some engine: 2 of 2." in said
    assert "Compiled code passes: 1 of 2, all but Large." in said
    assert "within 60 s: 1, all but Large. Exported within 12 GiB: 1, all but Large." in said
    page = report.page(found, {"cores": "2"}, {"python": "3.11"})
    assert "| Small | 2.6 M | 0.25 · 0.65 · 12 | 0.5 · 1 · 20 |" in page
    assert "declined: no kernel of A\\|B" in page


def test_the_figures_of_an_application_survive_their_file() -> None:
    from dataclasses import asdict

    found = Figures("Small", 1, (EngineFigures("litert", "any", "passed"),), exact_error=2e-6)
    assert from_dict(asdict(found)) == found
