"""The parts of a cache key, and how a difference is told."""

import numpy as np

from aios.workflow.execution.cache_key import cache_key, difference, environment


def test_a_difference_is_said_in_words():
    old = cache_key("c1", {"a": "1", "b": "2"}, {"python": "3.11.1", "numpy": "2.0"})
    new = cache_key("c2", {"a": "1", "b": "3"}, {"python": "3.11.2", "numpy": "2.0"})
    assert difference(old, new) == "its code changed; input b changed; python 3.11.1 → 3.11.2"
    assert difference(old, old) == ""
    assert difference(None, old) == "it has no cache key"


def test_the_environment_names_versions():
    found = environment(("surely-not-installed",))
    assert found["numpy"] == np.__version__
    assert found["surely-not-installed"] == "absent"
