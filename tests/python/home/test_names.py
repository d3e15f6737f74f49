"""What may name a workflow, a model, an alias or a schedule."""

import pytest

import aios
from aios.home.names import check_name


@pytest.mark.parametrize("name", ["digits", "a", "2024-v1.0_b", "x" * 100])
def test_a_good_name_comes_back(name):
    assert check_name("model name", name) == name


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "x" * 101, "é", 3, None])
def test_another_one_is_refused_with_what_it_was_to_name(name):
    with pytest.raises(
        aios.InvalidArgumentError, match="^alias: expected letters.*such as 'digits'"
    ):
        check_name("alias", name)
