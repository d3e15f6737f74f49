"""One prunes alone, several may copy; and nobody waits for longer than he says."""

import pytest

import aios
from aios.home.lock import home_lock


def test_who_prunes_is_alone(tmp_path):
    with home_lock(tmp_path):
        for shared in (True, False):
            with (
                pytest.raises(aios.UnavailableError, match="another process prunes or copies"),
                home_lock(tmp_path, shared=shared, wait_s=0),
            ):
                pass
    with home_lock(tmp_path, wait_s=0):
        pass


def test_several_copy_at_the_same_time_and_keep_out_who_prunes(tmp_path):
    with (
        home_lock(tmp_path, shared=True),
        home_lock(tmp_path, shared=True, wait_s=0),
        pytest.raises(aios.UnavailableError),
        home_lock(tmp_path, wait_s=0),
    ):
        pass
