"""A signal that comes during a call waits for its end; then Python's handler runs."""

import pytest

pytestmark = pytest.mark.native

# In a process of its own: a signal that came late would end the tests.
_PROGRAM = """
import signal, sys, threading, time
import numpy as np
import aios

def interrupt_soon():
    time.sleep(0.05)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

x = np.random.default_rng(0).random((200_000, 64), np.float32)
out = np.full((len(x), 10), np.nan, np.float32)
with aios.load(sys.argv[1], engine=sys.argv[2]) as bridge:
    expected = np.concatenate([bridge.perform_inference(part) for part in np.split(x, 10)])
    sender = threading.Thread(target=interrupt_soon)
    try:
        sender.start()
        give_up = time.monotonic() + 60
        while time.monotonic() < give_up:
            {call}
        sys.exit("no KeyboardInterrupt")
    except KeyboardInterrupt:
        pass
    sender.join()
    {check}
    again = bridge.perform_inference(x[:100])
    assert np.allclose(again, expected[:100], rtol=1e-4, atol=1e-5)
print("done")
"""


def _program(bundle, engine, call, check):
    arguments = f"import sys; sys.argv = ['', {str(bundle)!r}, {engine!r}]\n"
    return arguments + _PROGRAM.replace("{call}", call).replace("{check}", check)


@pytest.mark.parametrize("engine", ["compiled", "litert"])
def test_an_interrupted_call_writes_all_of_its_answer_first(digits, run_python, engine):
    program = _program(
        digits.bundle,
        engine,
        "out[:] = np.nan; bridge.perform_inference(x, out=out); assert not np.isnan(out).any()",
        "assert np.allclose(out, expected, rtol=1e-4, atol=1e-5) or np.isnan(out).all()",
    )
    assert run_python(program) == "done\n"


def test_an_interrupt_while_waiting_leaves_what_was_submitted_running(digits, run_python):
    program = _program(
        digits.bundle,
        "compiled",
        "future = bridge.submit(x); future.result()",
        "assert np.allclose(future.result(timeout=60), expected, rtol=1e-4, atol=1e-5)",
    )
    assert run_python(program) == "done\n"
