"""The process's thread budget, and cells that are loaded while another serves."""

import numpy as np
import pytest

import aios

#: Processor time beyond the budget: what Python does between calls, while the other cell runs.
MARGIN = 0.15

LOAD = """
import os, threading, time
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: {cpus}])
import numpy as np, aios
x = np.random.default_rng(0).standard_normal((32, 784)).astype(np.float32)
cells = [aios.load({bundle!r}, engine="litert", threads=2) for _ in range(2)]
for cell in cells:
    cell.perform_inference(x)
"""
# Two threads ask one cell each: processor time per second of wall time.
ASK_BOTH = """
stop = threading.Event()
def ask(cell):
    while not stop.is_set():
        cell.perform_inference(x)
callers = [threading.Thread(target=ask, args=(cell,)) for cell in cells]
wall, cpu = time.perf_counter(), time.process_time()
for caller in callers:
    caller.start()
time.sleep(2)
stop.set()
for caller in callers:
    caller.join()
print((time.process_time() - cpu) / (time.perf_counter() - wall))
row = cells[0].explain()[0]
print(row.threads, row.reason, sep="|")
"""
# A short call of one cell during a long one of the other: when it began and ended, in seconds from
# the end of the long one. This tells a lot also where other programs keep the processors busy.
ASK_DURING = """
long_x = np.zeros((16384, 784), np.float32)
begin = time.perf_counter()
cells[0].perform_inference(long_x)
seconds, ends = time.perf_counter() - begin, []
def ask():
    cells[0].perform_inference(long_x)
    ends.append(time.perf_counter())
caller = threading.Thread(target=ask)
caller.start()
time.sleep(seconds / 4)
begin = time.perf_counter()
cells[1].perform_inference(x)
end = time.perf_counter()
caller.join()
print(begin - ends[0], end - ends[0])
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


@pytest.mark.parametrize("budget", [1, 2])
def test_two_cells_at_once_use_no_more_processor_time_than_the_budget(wide, run_python, budget):
    code = LOAD.format(bundle=str(wide), cpus=None) + ASK_BOTH
    used, row = run_python(code, AIOS_THREADS=str(budget)).splitlines()
    assert float(used) <= budget + MARGIN
    assert row.startswith(f"{budget}|")


def test_the_budget_of_a_process_on_one_cpu_is_one_thread(wide, run_python):
    code = LOAD.format(bundle=str(wide), cpus=1) + ASK_BOTH
    used, row = run_python(code, AIOS_THREADS="").splitlines()
    assert float(used) <= 1 + MARGIN
    assert row.startswith("1|")
    assert row.endswith("2 threads were asked for, this process has a budget of 1")


@pytest.mark.parametrize("budget", [1, 2])
def test_a_call_waits_for_the_threads_that_another_cells_call_holds(wide, run_python, budget):
    code = LOAD.format(bundle=str(wide), cpus=None) + ASK_DURING
    begin, end = map(float, run_python(code, AIOS_THREADS=str(budget)).split())
    assert begin < -0.05, "the calls were not at the same time"
    assert end > -0.03


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
