"""An owner is gone only when its process surely doesn't run any more."""

import os
import subprocess
import sys

import pytest

from aios.home.clock import boot_id
from aios.home.owner import is_gone, new_owner

needs_proc = pytest.mark.skipif(
    not boot_id() or not os.path.exists("/proc/self/stat"), reason="needs Linux's /proc"
)
NAMED = "from aios.home.owner import new_owner; print(new_owner())"


def test_two_managers_of_a_process_have_two_names_and_both_live():
    one, two = new_owner(), new_owner()
    assert one != two
    assert f"/{os.getpid()}/" in one
    assert not is_gone(one)
    assert not is_gone(two)


@needs_proc
def test_the_owner_of_a_process_that_has_ended_is_gone():
    named = subprocess.run(
        [sys.executable, "-c", NAMED], capture_output=True, text=True, check=True
    )
    assert is_gone(named.stdout.strip())


@needs_proc
def test_a_process_that_got_the_number_of_another_is_not_that_one():
    boot, namespace, pid, _, nonce = new_owner().split("/")
    assert is_gone("/".join((boot, namespace, pid, "1", nonce)))


@pytest.mark.parametrize(
    "change",
    [
        lambda boot, *rest: ("another-boot", *rest),
        lambda boot, namespace, *rest: (boot, "pid:[1]", *rest),
        lambda boot, namespace, pid, *rest: (boot, namespace, "x", *rest),
        lambda boot, namespace, pid, started, nonce: (boot, namespace, pid, "", nonce),
        lambda *parts: parts[:3],
        lambda *parts: ("somebody",),
    ],
)
def test_of_whom_nothing_can_be_known_lives(change):
    assert not is_gone("/".join(change(*new_owner().split("/"))))
