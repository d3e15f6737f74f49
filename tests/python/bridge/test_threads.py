"""The process's thread budget, and cells that are loaded while another serves."""

import os

import numpy as np
import pytest

import aios

pytestmark = pytest.mark.native

LOAD = """
import os, sys, threading
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: {cpus}])
import numpy as np, aios
cells = [aios.load({bundle!r}, engine="compiled", threads=2) for _ in range(2)]
row = cells[0].explain()[0]
print(row.threads, row.reason, sep="|")
"""
# A short call of one cell within a long one of the other, again until that came about. The long one
# fills its answer from the first row to the last: whoever finds the first row written and the last
# not is within that call, and must find all of it written after a call of its own.
ASK_WITHIN = """
x = np.random.default_rng(0).standard_normal((20_000, 784)).astype(np.float32)
long_x, short_x = x, x[:64].copy()
out = np.empty((len(x), 10), np.float32)
cells[0].perform_inference(long_x, out=out)
expected = cells[1].perform_inference(short_x)
within = 0
for _ in range(1000):
    out[:] = np.nan
    caller = threading.Thread(target=lambda: cells[0].perform_inference(long_x, out=out))
    caller.start()
    while np.isnan(out[0, 0]):
        pass
    is_within = np.isnan(out[-1, -1])
    answer = cells[1].perform_inference(short_x)
    if is_within:
        within += 1
        assert not np.isnan(out).any(), "the calls ran at the same time"
    caller.join()
    assert np.array_equal(answer, expected)
    if within == 3:
        break
print(within)
"""


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A bundle whose calls are large enough to be shared by threads."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    hidden = [layers.Dense(512, activation="relu") for _ in range(2)]
    model = keras.Sequential([keras.Input((784,)), *hidden, layers.Dense(10)])
    bundle = tmp_path_factory.mktemp("wide") / "wide.cell"
    aios.export(model, bundle, engines=("compiled", "litert"))
    return bundle


@pytest.mark.parametrize("batch", [1, 7, 64, 100])
def test_compiled_code_answers_the_same_on_more_threads(wide, batch, monkeypatch):
    monkeypatch.setenv("AIOS_THREADS", "3")
    x = np.random.default_rng(1).standard_normal((batch, 784)).astype(np.float32)
    with (
        aios.load(wide, engine="compiled") as alone,
        aios.load(wide, engine="compiled", threads=2) as helped,
    ):
        expected = alone.perform_inference(x)
        for _ in range(50):
            np.testing.assert_allclose(helped.perform_inference(x), expected, rtol=1e-5, atol=1e-5)


def test_a_cell_takes_no_more_threads_than_the_budget(wide, run_python):
    code = LOAD.format(bundle=str(wide), cpus=None)
    for budget in (1, 2):
        assert run_python(code, AIOS_THREADS=str(budget)).startswith(f"{budget}|")


def test_the_budget_of_a_process_on_one_cpu_is_one_thread(wide, run_python):
    row = run_python(LOAD.format(bundle=str(wide), cpus=1), AIOS_THREADS="").strip()
    assert row.startswith("1|")
    assert row.endswith("2 threads were asked for, this process has a budget of 1")


@pytest.mark.parametrize("budget", [1, 2])
def test_a_call_waits_for_the_threads_that_another_cells_call_holds(wide, run_python, budget):
    if budget == 1 and len(os.sched_getaffinity(0)) == 1:
        pytest.skip("on one CPU the system itself takes turns; a second CPU lifts this")
    code = LOAD.format(bundle=str(wide), cpus=None) + ASK_WITHIN
    assert run_python(code, AIOS_THREADS=str(budget)).splitlines()[-1] == "3"


def test_a_budget_that_is_no_number_is_refused(wide, run_python):
    code = f"""
import aios
try:
    aios.load({str(wide)!r})
except aios.InvalidArgumentError as error:
    print(error)
"""
    assert "got 'many'" in run_python(code, AIOS_THREADS="many")


def test_loading_slows_no_thread_down_that_stays(digits, run_python, tmp_path):
    code = f"""
import os, threading, time
import numpy as np, aios
def priorities():
    found = set()
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{{task}}/stat") as file:
                found.add(file.read().rpartition(")")[2].split()[16])
        except OSError:
            pass  # it has just ended
    return found
def are_all_back():
    # The thread that loaded is seen for a moment after its end.
    deadline = time.monotonic() + 10
    while priorities() != before and time.monotonic() < deadline:
        time.sleep(0.01)
    return priorities() == before
x = np.load({str(tmp_path / "x.npy")!r})
bundle = {str(digits.bundle)!r}
stop, right = threading.Event(), []
before = priorities()
with aios.load(bundle, max_tuning_ms=0) as bridge:
    expected = bridge.perform_inference(x)
    def ask():
        while not stop.is_set():
            right.append(np.array_equal(bridge.perform_inference(x), expected))
    caller = threading.Thread(target=ask)
    caller.start()
    back = []
    for engine in ("compiled", "litert", "openvino", "auto", "auto"):
        try:
            other = aios.load(bundle, engine=engine)
        except aios.NotFoundError:
            continue
        back.append(are_all_back())
        other.close()
    stop.set()
    caller.join()
print(all(back), len(right) > 100, all(right))
"""
    np.save(tmp_path / "x.npy", digits.x_test[:1])
    printed = run_python(code, XDG_CACHE_HOME=str(tmp_path))
    assert printed.split() == ["True"] * 3
