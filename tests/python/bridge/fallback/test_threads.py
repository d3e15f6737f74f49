"""How many threads calls may use together."""

import math
import threading

import pytest

import aios
from aios import _core
from aios.bridge import fallback
from aios.bridge.fallback import threads
from aios.bridge.fallback.threads import ThreadBudget

pytestmark = pytest.mark.native


def test_it_counts_threads_as_the_cpp_cell_does(pure):
    for name in ("cgroup_cpus", "usable_cpus", "thread_budget"):
        assert getattr(fallback, name)() == getattr(_core, name)()
    assert {row.threads for row in pure.explain()} == {1}


def test_calls_on_several_threads_take_turns_within_the_budget():
    budget, order = ThreadBudget(2, cpus=2), []

    def ask():
        with budget.share(2):
            order.append("second")

    caller = threading.Thread(target=ask)
    with budget.share(1), budget.share(2):
        caller.start()
        caller.join(0.2)
        order.append("first")
    caller.join(60)
    assert order == ["first", "second"]
    assert budget.cut(8) == 2


def test_a_call_on_its_own_thread_holds_nothing_of_a_budget_as_large_as_the_machine():
    budget = ThreadBudget(1, cpus=1)
    with budget.share(1), budget.share(1):
        assert budget.cut(4) == 1
    small = ThreadBudget(1, cpus=2)
    with small.share(1):
        assert small._free == 0
    assert small._free == 1


MOUNT = "30 23 0:26 / {mount} rw shared:4 - {kind} cgroup {options}"


def test_the_lowest_limit_of_the_groups_above_counts(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/cpu.max").write_text("150000 100000\n")
    (tmp_path / "a/b/cpu.max").write_text("max 100000\n")
    mount = MOUNT.format(mount=tmp_path, kind="cgroup2", options="rw")
    assert threads._limit_in(mount, ["0::/a/b"]) == 1.5
    assert threads._limit_in(mount, ["0::/elsewhere"]) == math.inf
    older = MOUNT.format(mount=tmp_path, kind="cgroup", options="rw,cpu,cpuacct")
    (tmp_path / "a/cpu.cfs_quota_us").write_text("50000")
    (tmp_path / "a/cpu.cfs_period_us").write_text("100000")
    assert threads._limit_in(older, ["4:cpu,cpuacct:/a"]) == 0.5
    assert (
        threads._limit_in(MOUNT.format(mount=tmp_path, kind="ext4", options="rw"), []) == math.inf
    )


@pytest.mark.parametrize("wish", ["0", "-1", "two", "1.5", "²"])
def test_a_budget_that_is_no_number_is_refused(monkeypatch, wish):
    monkeypatch.setenv("AIOS_THREADS", wish)
    with pytest.raises(aios.InvalidArgumentError, match="AIOS_THREADS: expected the number"):
        threads._budget_of.__wrapped__(0)
    monkeypatch.setenv("AIOS_THREADS", "3")
    assert threads._budget_of.__wrapped__(0).size == 3
