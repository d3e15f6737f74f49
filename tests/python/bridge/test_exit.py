"""Daemon threads that are in calls when the interpreter exits: the process ends as it should."""

import os

import pytest

pytestmark = pytest.mark.native

#: More of them for a longer look: the moment of the exit is chance.
RUNS = int(os.environ.get("AIOS_EXIT_RUNS", "1"))
ENGINES = ("compiled", "litert", "openvino", "tensorflow")

_PROGRAM = """
import threading
import numpy as np, aios

x = np.random.default_rng(0).random((20_000, 64), np.float32)

class Exported:
    # Python code that runs inside a call.
    def __dlpack__(self, **options):
        return x[:1].__dlpack__(**options)
    def __dlpack_device__(self):
        return x.__dlpack_device__()

arguments = []
for engine in {engines}:
    try:
        bridge = aios.load({bundle!r}, engine=engine)
    except aios.NotFoundError:
        continue
    arguments += [(bridge, x), (bridge, x), (bridge, x[:1]), (bridge, Exported())]
started = threading.Barrier({times} * len(arguments) + 1)

def ask(bridge, x):
    bridge.perform_inference(x)
    started.wait()
    while True:
        bridge.perform_inference(x)

for pair in {times} * arguments:
    threading.Thread(target=ask, args=pair, daemon=True).start()
started.wait()
print("the end")
"""


#: All engines at once; for a longer look, eight threads of each by itself too.
THREADS = [(ENGINES, 1), *(((engine,), 2) for engine in ENGINES if RUNS > 1)]


@pytest.mark.parametrize("run", range(RUNS))
@pytest.mark.parametrize(("engines", "times"), THREADS)
def test_an_exit_waits_for_the_calls_of_daemon_threads(digits, run_python, engines, times, run):
    program = _PROGRAM.format(bundle=str(digits.bundle), engines=engines, times=times)
    assert run_python(program) == "the end\n"


def test_an_exit_does_not_wait_for_a_thread_that_its_own_handlers_started(digits, run_python):
    program = f"""
import atexit, threading
import numpy as np

def at_exit():
    answers = []
    caller = threading.Thread(target=lambda: answers.append(bridge.perform_inference(x)))
    caller.start()
    caller.join()
    print(answers[0].shape, bridge.perform_inference(x).shape)

atexit.register(at_exit)  # before aios's own, so it runs after
import aios
x = np.zeros((3, 64), np.float32)
bridge = aios.load({str(digits.bundle)!r}, engine="compiled")
bridge.perform_inference(x)
"""
    assert run_python(program) == "(3, 10) (3, 10)\n"


def test_a_forked_child_does_not_wait_for_the_calls_of_its_parent(digits, run_python):
    program = f"""
import os, sys, threading
import numpy as np, aios
x = np.zeros((20_000, 64), np.float32)
bridge = aios.load({str(digits.bundle)!r}, engine="compiled")
started = threading.Event()
def ask():
    while True:
        bridge.perform_inference(x)
        started.set()
threading.Thread(target=ask, daemon=True).start()
started.wait()
for _ in range(20):
    if os.fork() == 0:
        sys.exit(7)
codes = {{os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(20)}}
print(codes)
"""
    assert run_python(program) == "{7}\n"
