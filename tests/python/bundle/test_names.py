"""Plain names that stand for users' own inside graphs."""

import pytest

from aios.bundle.names import plain_names


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("x_1", "x_1"),
        ("sepal length (cm)", "sepal_length_cm"),
        ("Größe", "Gr_e"),
        ("1st", "x_1st"),
        ("模型", "x"),
        ("", "x"),
        ("class", "x_class"),
        ("_x", "x"),
        ("a/b", "a_b"),
    ],
)
def test_a_name_stays_where_it_is_plain_and_else_gets_one_like_it(name, plain):
    assert plain_names([name]) == {name: plain}


def test_no_two_names_get_one():
    names = ["x y", "x_y", "x-y", "X Y", "x_y_2", "X_y_3"]
    plain = plain_names(names)
    assert list(plain) == names
    assert {name: plain[name] for name in ("x_y", "x_y_2", "X_y_3")} == {
        "x_y": "x_y",
        "x_y_2": "x_y_2",
        "X_y_3": "X_y_3",
    }
    assert len({name.lower() for name in plain.values()}) == len(names)
