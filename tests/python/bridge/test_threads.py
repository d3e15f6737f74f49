"""The process's thread budget, and cells that are loaded while another serves."""

import os
import threading

import numpy as np
import pytest

import aios

#: Processor time beyond the budget: what Python does between calls, while the other cell runs.
MARGIN = 0.15

PRELUDE = """
import os, threading, time
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: {cpus}])
import numpy as np, aios
x = np.random.default_rng(0).standard_normal((32, 784)).astype(np.float32)
cells = [aios.load({bundle!r}, engine="litert", threads=2) for _ in range(2)]
counts, stop = [0, 0], threading.Event()
def ask(place):
    while not stop.is_set():
        cells[place].perform_inference(x)
        counts[place] += 1
callers = [threading.Thread(target=ask, args=(place,)) for place in range(2)]
for cell in cells:
    cell.perform_inference(x)
wall, cpu = time.perf_counter(), time.process_time()
for caller in callers:
    caller.start()
"""
MEASURE = """
time.sleep(1.5)
stop.set()
for caller in callers:
    caller.join()
used = (time.process_time() - cpu) / (time.perf_counter() - wall)
row = cells[0].explain()[0]
print(used, *counts, row.threads, row.reason, sep="|")
"""
# How many threads want to run, this one aside: what a budget of 2 has on any number of CPUs.
CROWD = """
def running():
    found = 0
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/stat") as file:
            found += file.read().rpartition(")")[2].split()[0] == "R"
    return found - 1
deadline, seen = time.monotonic() + 1.5, []
while time.monotonic() < deadline:
    time.sleep(0.003)
    seen.append(running())
stop.set()
for caller in callers:
    caller.join()
print(sum(seen) / len(seen), *counts)
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
    aios.export(model, bundle, engines=("litert",))
    return bundle


def script(bundle, end, cpus=None):
    return PRELUDE.format(bundle=str(bundle), cpus=cpus) + end


@pytest.mark.parametrize("budget", [1, 2])
def test_two_cells_at_once_use_no_more_processor_time_than_the_budget(wide, run_python, budget):
    printed = run_python(script(wide, MEASURE), AIOS_THREADS=str(budget))
    used, first, second, threads, reason = printed.strip().split("|")
    assert float(used) <= budget + MARGIN
    assert int(threads) == budget
    assert ("2 threads were asked for" in reason) == (budget < 2)
    # First come, first served: neither cell waits for long.
    assert 0.5 < int(first) / int(second) < 2


def test_the_budget_of_a_process_on_one_cpu_is_one_thread(wide, run_python):
    printed = run_python(script(wide, MEASURE, cpus=1), AIOS_THREADS="")
    used, first, second, threads, reason = printed.strip().split("|")
    assert float(used) <= 1 + MARGIN
    assert min(int(first), int(second)) > 0
    assert threads == "1"
    assert reason.endswith("2 threads were asked for, this process has a budget of 1")


def test_calls_that_fill_the_budget_take_turns(wide, run_python):
    crowd, first, second = run_python(script(wide, CROWD), AIOS_THREADS="2").split()
    assert float(crowd) < 2.6  # 4 and more if both ran at once
    assert min(int(first), int(second)) > 0


def test_a_budget_that_is_no_number_is_refused(wide, run_python):
    code = f"""
import aios
try:
    aios.load({str(wide)!r})
except aios.InvalidArgumentError as error:
    print(error)
"""
    assert "got 'many'" in run_python(code, AIOS_THREADS="many")


def priorities():
    found = {}
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/stat") as file:
                found[int(task)] = int(file.read().rpartition(")")[2].split()[16])
        except FileNotFoundError:
            continue  # it has ended meanwhile
    return found


def test_a_cell_answers_while_another_is_loaded_and_keeps_its_priority(digits, wide, monkeypatch,
                                                                       tmp_path):  # fmt: skip
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    x = digits.x_test[:1]
    stop, answers = threading.Event(), []
    with aios.load(digits.bundle, max_tuning_ms=0) as bridge:
        expected = bridge.perform_inference(x)

        def ask():
            while not stop.is_set():
                answers.append(np.array_equal(bridge.perform_inference(x), expected))

        before = priorities()
        caller = threading.Thread(target=ask)
        caller.start()
        lowest = set()
        for _ in range(10):
            with aios.load(wide) as other:
                other.perform_inference(np.zeros((1, 784), np.float32))
                lowest |= set(priorities().values())
        stop.set()
        caller.join(60)
    assert len(answers) > 100
    assert all(answers)
    assert lowest == set(before.values()), "a thread with a lower priority stayed"
