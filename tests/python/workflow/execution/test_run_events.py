"""A line of a story reads like a sentence."""

import pytest

from aios.workflow.execution.run_events import Happening


@pytest.mark.parametrize(
    ("happening", "text"),
    [
        (Happening("fit[2]", "RUNNING", "", 1), "fit[2] RUNNING, launch 1"),
        (Happening("fit", "FAILED", "no space", 3), "fit FAILED, launch 3: no space"),
    ],
)
def test_it_says_what_became_of_which_launch_and_why(happening, text):
    assert str(happening) == text
