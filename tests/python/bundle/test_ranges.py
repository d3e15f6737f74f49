"""How far an artifact is proved, from the calls that it missed."""

from aios.bundle.ranges import described, is_further


def test_one_is_further_if_it_holds_all_of_another_and_more():
    near, far = {"s": {"x": (-1.0, 1.0)}}, {"s": {"x": (-1.0, 2.0)}}
    assert is_further(far, near)
    assert not is_further(near, far)
    assert not is_further(near, near)
    assert not is_further({"s": {"x": (-2.0, 0.5)}}, near)
    assert described(far) == "x from -1 to 2"
