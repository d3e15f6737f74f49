"""While one thread measures engines, no other waits for it: neither for the GIL nor for a lock."""

import os
import threading
import time

import numpy as np
import pytest

import aios

pytestmark = pytest.mark.native

#: Batches whose measuring takes a while, each of another power of two.
BATCHES = (5_000, 10_000, 20_000, 40_000)


@pytest.fixture
def bridge(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with aios.load(digits.bundle, max_tuning_ms=500) as loaded:
        yield loaded


def _is_measuring():
    """Measuring goes on in a thread of lower priority."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/stat", encoding="ascii") as file:
                if int(file.read().rpartition(")")[2].split()[16]) > usual:
                    return True
        except OSError:
            pass  # it has just ended
    return False


def _seen_while_measuring(call, ask=lambda: None):
    """A batch that another thread's `call` measured for, and what `ask` gave meanwhile.

    What came too late to tell is tried again, with another batch.
    """
    for batch in BATCHES:
        x = np.zeros((batch, 64), np.float32)
        caller = threading.Thread(target=call, args=(x,))
        caller.start()
        while caller.is_alive() and not _is_measuring():
            time.sleep(0.001)
        answer = ask()
        seen = _is_measuring() and caller.is_alive()
        caller.join()
        if seen:
            return batch, answer
    return pytest.fail("this thread didn't run while another was measuring")


def test_a_cell_tells_of_itself_while_another_thread_measures(bridge):
    def ask():
        return bridge.explain(), bridge.metrics(), bridge.engine

    bridge.perform_inference(np.zeros((1, 64), np.float32))
    before = bridge.engine
    batch, (rows, metrics, engine) = _seen_while_measuring(bridge.perform_inference, ask)
    limit = 1 << (batch - 1).bit_length()
    assert 1 in {row.batch for row in rows}
    assert limit not in {row.batch for row in rows}
    assert limit in {row.batch for row in bridge.explain()}
    assert metrics.signatures[0].calls >= 1
    assert engine == before


def test_binding_lets_other_threads_run_while_it_measures(bridge):
    _seen_while_measuring(bridge.bind)


def test_a_bridge_shows_itself_while_another_thread_measures(bridge):
    _, shown = _seen_while_measuring(bridge.perform_inference, lambda: repr(bridge))
    assert "\n" not in shown
