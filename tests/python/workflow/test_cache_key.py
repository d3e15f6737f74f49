import textwrap

import numpy as np
import pytest

from aios.workflow.cache_key import cache_key, difference, environment, step_code
from aios.workflow.steps import Step


def code_of(source, name="f", constants=None):
    """The hash of a function compiled from `source`, as a module that its user edits."""
    namespace = {"__name__": "__main__"}
    exec(textwrap.dedent(source), namespace)
    return step_code(Step(namespace[name], constants=constants or {}))


BASE = """
def helper(x):
    return x + 1

LIMIT = 3

def f(data):
    return helper(data) * LIMIT
"""


def test_comments_layout_and_docstring_do_not_count():
    same = """
    # a comment
    LIMIT = 3


    def helper(x):

        return x + 1  # same

    def f(data):
        '''Documented now.'''
        return helper(data) * LIMIT
    """
    assert code_of(BASE) == code_of(same)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("* LIMIT", "+ LIMIT"),
        ("LIMIT = 3", "LIMIT = 4"),
        ("x + 1", "x + 2"),
        ("def f(data)", "def f(data, extra=None)"),
    ],
)
def test_code_constants_and_called_functions_count(old, new):
    assert old in BASE
    assert code_of(BASE) != code_of(BASE.replace(old, new))


def test_closures_count_by_content():
    def make(rate, weights):
        def f(data):
            return data * rate * weights

        return step_code(Step(f))

    assert make(1, np.ones(3)) == make(1, np.ones(3))
    assert make(1, np.ones(3)) != make(2, np.ones(3))
    assert make(1, np.ones(3)) != make(1, np.zeros(3))


def test_constants_and_the_version_count():
    def f(data, rate):
        return data

    base = step_code(Step(f, constants={"rate": 1}))
    assert base == step_code(Step(f, constants={"rate": 1}))
    assert base != step_code(Step(f, constants={"rate": 2}))
    assert base != step_code(Step(f, constants={"rate": 1}, version="2"))


def test_the_hash_does_not_depend_on_set_order_or_addresses():
    source = "def f(data):\n    return data in {'a', 'b', 'c', 'd'} or print\n"
    assert code_of(source) == code_of(source)


def test_recursive_functions_end():
    source = "def f(data):\n    return f(data)\n"
    assert len(code_of(source)) == 32


def test_installed_packages_count_by_name_only(monkeypatch):
    source = "import numpy as np\ndef f(data):\n    return np.mean(data)\n"
    assert code_of(source) == code_of(source.replace("numpy as np", "numpy as np; unused = 1"))


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
